//! What else keeps a state of a project: copies of it.

use std::fs;
use std::process::Command;

use super::super::place::Place;
use super::FEW;
use super::prices::time;
use super::table::Column;
use super::tree::Tree;
use crate::Result;

pub(super) fn measure(place: &Place, tree: &Tree, column: &mut Column) -> Result {
    let copy = place.state().join("copy");
    for round in 0..FEW {
        column.add("cp -a", time(Command::new("cp").arg("-a").arg(&tree.top).arg(&copy))?);
        fs::remove_dir_all(&copy)?;
        column.add("tar", time(Command::new("tar").arg("cf").arg(&copy).arg(".").current_dir(&tree.top))?);
        fs::remove_file(&copy)?;
        time(Command::new("sh").args(["-c", &tree.change(round)]).current_dir(&tree.top))?;
        let add = time(&mut tree.git(&["add", "-A"]))?;
        column.add("git add -A, write-tree", add + time(&mut tree.git(&["write-tree"]))?);
    }
    Ok(())
}
