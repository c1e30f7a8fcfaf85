//! Judges commands before they run: argument vectors, and the text that is handed to shells.
//!
//! Pure: nothing is looked up, so what is judged is what is written. Whatever cannot be read for certain is
//! not decided here, and what is not decided is never allowed.

mod awk;
mod builtins;
mod changes;
mod covers;
mod exposed;
mod exposures;
mod find;
mod judge;
mod judgement;
mod regex;
mod rule;
mod rules;
mod sed;
mod shell;
mod shells;
mod starters;
mod variables;
mod word;
mod wrappers;

pub use judge::Begins;
pub use judgement::{Basis, Judgement, Ruling};
pub use rule::{Decision, Rule};
pub use rules::Rules;

pub(crate) use covers::covers;
pub(crate) use judge::{judge, judge_variable};
pub(crate) use judgement::line_of;
