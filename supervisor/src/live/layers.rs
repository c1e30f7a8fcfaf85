//! Puts other layers under the sandbox: the new ones are shown, and written down last.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use clearing_rootfs::{LayerDirectories, PROJECT, Step};
use clearing_runtime::Report;
use clearing_runtime::spec::{Others, Remount};

use super::spares::Spare;
use super::{LiveSandbox, View, layer};
use crate::error::Error;
use crate::plan;
use crate::workspace::Workspace;

impl LiveSandbox {
    pub(super) fn show_project_anew(&mut self) -> Result<(), Error> {
        let targets = self.workspace.overlays().map(|(path, _)| path.clone()).collect();
        self.show_anew(&targets)
    }

    pub(super) fn show_anew(&mut self, targets: &BTreeSet<PathBuf>) -> Result<(), Error> {
        self.show_renewed(targets, self.workspace.clone())
    }

    /// The same of a workspace that is another one than `before`, to which it goes back where that fails.
    pub(super) fn show_renewed(
        &mut self,
        targets: &BTreeSet<PathBuf>,
        before: Workspace,
    ) -> Result<(), Error> {
        let prepared = self.session().and_then(|session| {
            session.check_project(&self.workspace.project)?;
            Ok(session.step_aside())
        });
        let renewed =
            prepared.and_then(|step| self.renew(&step, None, |_, target, _| targets.contains(target)));
        self.show(renewed, before).map(drop)
    }

    /// Goes on upon other layers, and writes it down.
    pub(super) fn go_on(&mut self, mut step: Step) -> Result<(), Error> {
        if step.moves() {
            let before = self.workspace.clone();
            let written = step.written().to_vec();
            let is_changed = |part: &str, moved| moved || written.iter().any(|name| name == part);
            let sealed = self.place.session().ok_or(Error::SandboxEnded)?;
            let sealed = sealed.sealed_below(&step, PROJECT, &mut self.parts)?;
            let is_wanted = is_changed(PROJECT, sealed != self.workspace.changes.sealed);
            let spare = Spare::take(&mut self.spares, |spare| is_wanted && spare.sealed == sealed);
            let (ready, layer) = spare.map(|spare| (spare.ready, spare.layer)).unzip();
            self.session()?.begin(&mut step, ready)?;
            let renewed = self.renew(&step, layer, |part, _, moved| is_changed(part, moved));
            let targets = self.show(renewed, before)?;
            if let Err(error) = self.carry_over(&step, &targets) {
                return self.give_up(error);
            }
        }
        let session = self.place.session_mut().ok_or(Error::SandboxEnded)?;
        match session.take_swiftly(step) {
            Ok(()) => self.find_layers(),
            Err(error) => self.give_up(error.into()),
        }
    }

    /// What takes changes has come to lie elsewhere, with the overlays upon it.
    fn find_layers(&mut self) -> Result<(), Error> {
        let Self { workspace, place, host, .. } = self;
        let session = place.session().ok_or(Error::SandboxEnded)?;
        for part in workspace.parts(host) {
            part.writable.layer = layer(session.live_directories(&part.name));
        }
        Ok(())
    }

    /// Makes new layers for the parts that `choose` wants, by name, target and whether other layers lie below;
    /// the others stay as they are. Says where the new ones are to be shown.
    pub(super) fn renew(
        &mut self,
        step: &Step,
        mut spare: Option<LayerDirectories>,
        choose: impl Fn(&str, &PathBuf, bool) -> bool,
    ) -> Result<BTreeSet<PathBuf>, Error> {
        let Self { workspace, place, parts: known, host, .. } = self;
        let session = place.session().ok_or(Error::SandboxEnded)?;
        let mut targets = BTreeSet::new();
        for part in workspace.parts(host) {
            let sealed = session.sealed_below(step, &part.name, known)?;
            if choose(&part.name, &part.target, sealed != part.writable.sealed) {
                let spare = spare.take_if(|_| part.name == PROJECT).map(Ok);
                let made = spare.unwrap_or_else(|| session.writable_after(step, &part.name, part.top))?;
                part.writable.sealed = sealed;
                part.writable.layer = layer(made);
                targets.insert(part.target);
            }
        }
        Ok(targets)
    }

    /// Shows what of the workspace was renewed, and where; or describes the workspace as it was `before`, as
    /// that is still what is shown.
    pub(super) fn show(
        &mut self,
        renewed: Result<BTreeSet<PathBuf>, Error>,
        before: Workspace,
    ) -> Result<BTreeSet<PathBuf>, Error> {
        let shown = renewed.and_then(|targets| self.remount(&targets, &before).map(|()| targets));
        match &shown {
            Err(_) => self.workspace = before,
            Ok(targets) if targets.contains(&self.workspace.project.root) => {
                self.view = View { mounted: SystemTime::now(), ..View::default() };
            }
            Ok(_) => {}
        }
        shown
    }

    fn remount(&mut self, targets: &BTreeSet<PathBuf>, before: &Workspace) -> Result<(), Error> {
        let is_veiled_anew = self.workspace.hidden.paths != before.hidden.paths;
        let mut steps: Vec<_> = is_veiled_anew.then(|| plan::veil(&self.workspace)).into_iter().collect();
        steps.extend(plan::remount(&self.profile, &self.workspace, &self.host, targets));
        let sandbox = self.sandbox.as_mut().ok_or(Error::SandboxEnded)?;
        sandbox.remount(&Remount { steps, others: Others::Refuse }).map_err(Error::from)?;
        self.answer(|report| match report {
            Report::Remounted(answer) => Some(answer),
            _ => None,
        })
    }

    /// Takes along what nobody has written to, with the overlays upon it.
    fn carry_over(&mut self, step: &Step, shown: &BTreeSet<PathBuf>) -> Result<(), Error> {
        let Self { workspace, place, host, .. } = self;
        let session = place.session().ok_or(Error::SandboxEnded)?;
        for part in workspace.parts(host) {
            if !shown.contains(&part.target) {
                session.carry_over(step, &part.name)?;
            }
        }
        Ok(())
    }
}
