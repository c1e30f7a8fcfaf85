//! What of the project is hidden, looked at anew: a file that has come since, or holds something else by now, is as
//! good a secret as one that was there when the sandbox was made.

use super::LiveSandbox;
use crate::error::Error;
use crate::hiding::hidden_again;

impl LiveSandbox {
    /// Shows nothing from now on of what is to be hidden now. Nothing must run.
    pub(super) fn hide_anew(&mut self) -> Result<(), Error> {
        let project = &self.workspace.project;
        let hidden = hidden_again(&self.workspace.hidden, project, self.audit.state())?;
        if hidden.paths == self.workspace.hidden.paths {
            // It knows what the project is like now, which the next look begins with.
            self.workspace.hidden = hidden;
            return Ok(());
        }
        // What lies in another directory under that name does not say what of this one is a secret.
        if !project.is_there() {
            return Ok(());
        }
        let parents = hidden.parents(&project.root)?;
        // The next command is written down as one from which this is hidden.
        self.settle()?;
        // They show what is hidden now.
        self.spares.clear();
        let before = self.workspace.clone();
        (self.workspace.hidden, self.workspace.parents) = (hidden, parents);
        let project = self.workspace.project.root.clone();
        self.show_renewed(&[project].into(), before)
    }
}
