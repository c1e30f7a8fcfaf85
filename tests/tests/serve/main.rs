//! `clearing serve --stdio`: sessions that live on, for other programs.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod bad_input;
mod bounds;
mod by_another_profile;
mod by_the_command_line;
mod by_the_command_line_exec;
mod cancelled;
mod changed;
mod changes;
mod checksums;
mod crowded;
mod denied;
mod descriptors;
mod ending;
mod ends;
mod files;
mod flooded;
mod input;
mod limits;
mod memory;
mod patched;
mod pool;
mod racing;
mod readme;
mod said;
mod scripts;
mod scripts_by_the_command_line;
mod sessions;
mod slow_reader;
mod snapshots;
mod terminal;
mod together;
mod unread;
mod unreadable;
mod vanishing;
mod yielding;
