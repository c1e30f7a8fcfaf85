//! A plan as `--plan` prints it.

use std::ffi::CString;

use clearing_profiles::Limits;
use clearing_runtime::filter_length;
use clearing_runtime::spec::{Answer, Birth, ResourceLimit, SandboxSpec, SyscallRule, Terminal};
use serde::Serialize;

use super::Plan;

/// Everything that would be done. Bytes that are not UTF-8 are shown as U+FFFD.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanView<'a> {
    command: Vec<String>,
    cwd: String,
    environment: Vec<String>,
    limits: &'a Limits,
    rlimits: &'a [ResourceLimit],
    terminal: Option<&'a Terminal>,
    filter: FilterSummary,
    birth: &'a Birth,
    sandbox: &'a SandboxSpec,
}

/// The system call filter in short; whoever is not named is allowed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FilterSummary {
    /// Of the compiled program; none when it cannot be compiled, which refuses a run.
    instructions: Option<usize>,
    allowed: usize,
    /// Allowed with some arguments only.
    conditional: Vec<&'static str>,
    refused: Vec<&'static str>,
    /// Told to be unknown, as all calls without a rule.
    unknown: Vec<&'static str>,
}

impl<'a> PlanView<'a> {
    pub(crate) fn of(plan: &'a Plan) -> Self {
        Self {
            command: plan.exec.argv.iter().map(text).collect(),
            cwd: text(&plan.exec.cwd),
            environment: plan.exec.environment.iter().map(text).collect(),
            limits: &plan.limits,
            rlimits: &plan.exec.limits,
            terminal: plan.exec.terminal.as_ref(),
            filter: FilterSummary::of(&plan.sandbox),
            birth: &plan.birth,
            sandbox: &plan.sandbox,
        }
    }
}

impl FilterSummary {
    fn of(sandbox: &SandboxSpec) -> Self {
        let rules = &sandbox.syscalls;
        let always = |answer| {
            let same = move |rule: &&SyscallRule| rule.when.is_empty() && rule.answer == answer;
            rules.iter().filter(same).map(|rule| rule.name)
        };
        Self {
            instructions: filter_length(sandbox).ok(),
            allowed: always(Answer::Allow).chain(always(Answer::Observe)).count(),
            conditional: rules.iter().filter(|rule| !rule.when.is_empty()).map(|rule| rule.name).collect(),
            refused: always(Answer::Eperm).collect(),
            unknown: always(Answer::Enosys).collect(),
        }
    }
}

fn text(bytes: &CString) -> String {
    bytes.to_string_lossy().into_owned()
}
