//! The codes of errors: stable, for programs; the README lists them.

use clearing_rootfs::{QueueError, SessionError};
use clearing_runtime::Stage;
use nix::libc::{ENOENT, ENOTDIR};

use crate::error::Error;
use crate::files::FileCode;

/// The command line could not be read.
pub(crate) const USAGE: &str = "CLR-USAGE";

/// The code of an error.
pub(crate) fn of(error: &Error) -> &'static str {
    match error {
        Error::Request(_) | Error::MadeOtherwise(_) | Error::NotThere { .. } => "CLR-REQUEST",
        Error::Profile(_) | Error::Brought(_) => "CLR-PROFILE",
        Error::Project(_) | Error::Mounts(_) | Error::MountsBelow(_) => "CLR-PROJECT",
        Error::Hidden(_) => "CLR-HIDDEN",
        Error::Audit(_) => "CLR-AUDIT",
        Error::Server(refusal) => refusal.code,
        Error::Alive(_) | Error::Patching | Error::Queue(QueueError::Busy { .. }) => "CLR-BUSY",
        Error::Session(error) => of_session(error),
        Error::Store(_) | Error::Queue(_) | Error::Run(_) | Error::Shut(..) | Error::Remove(_) => "CLR-STATE",
        Error::Seen(_) | Error::Changes(_) | Error::Diff(_) => "CLR-READ",
        Error::Commit(_) | Error::Land(_) => "CLR-COMMIT",
        Error::Denied(_) => "CLR-POLICY-CMD",
        Error::Unconfirmed(_) => "CLR-UNCONFIRMED",
        Error::Input(..) | Error::Result(..) => "CLR-FILE",
        Error::Patch(_) => "CLR-PATCH",
        Error::File(fault) => fault.code.text(),
        Error::Files(_) => FileCode::Failed.text(),
        Error::Setup(failure) if failure.stage == Stage::Execute => match failure.errno {
            ENOENT | ENOTDIR => "CLR-NOT-FOUND",
            _ => "CLR-NOT-EXECUTABLE",
        },
        Error::Setup(_) | Error::LittleLandlock { .. } | Error::NoCgroup(_) | Error::NoOverlay(_) => {
            "CLR-SETUP"
        }
        Error::Copy(_) => "CLR-COPY",
        Error::SandboxEnded | Error::InitEnded => "CLR-ENDED",
        Error::System(..) => "CLR-SYSTEM",
    }
}

fn of_session(error: &SessionError) -> &'static str {
    match error {
        SessionError::Unknown { .. } | SessionError::UnknownSnapshot { .. } => "CLR-UNKNOWN",
        SessionError::Busy { .. } => "CLR-BUSY",
        SessionError::BadName { .. }
        | SessionError::NameTaken { .. }
        | SessionError::SnapshotTaken { .. } => "CLR-NAME",
        SessionError::Damaged { .. } => "CLR-DAMAGED",
        SessionError::ProjectReplaced { .. } | SessionError::GitReplaced { .. } => "CLR-PROJECT",
        SessionError::Seen(_) => "CLR-READ",
        SessionError::File { .. } | SessionError::Random { .. } | SessionError::Remove(_) => "CLR-STATE",
    }
}

#[cfg(test)]
mod tests {
    /// Each stands in a row of its own.
    #[test]
    fn the_readme_lists_every_code() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
        let readme = std::fs::read_to_string(readme).expect("the README");
        let codes = include_str!("error_code.rs")
            .split('"')
            .filter(|text| text.len() > 4 && text.starts_with("CLR-"));
        let unlisted: Vec<&str> = codes.filter(|code| !readme.contains(&format!("| `{code}` |"))).collect();
        assert_eq!(unlisted, Vec::<&str>::new());
    }
}
