//! A sandbox that lives on, driven line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::super::place::Place;
use super::table::Column;
use super::tree::Tree;
use crate::Result;

pub(super) struct Live {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What a request took, in microseconds.
struct Took {
    wall: f64,
    processor: f64,
    said: String,
}

impl Live {
    pub(super) fn open(place: &Place, session: &str) -> Result<Self> {
        let mut live = Command::new(place.live());
        let mut child = live.arg(session).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = child.stdin.take().ok_or("no input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, requests, answers })
    }

    /// Snapshots and rollbacks, each after a look at everything and some changes.
    pub(super) fn measure(&mut self, tree: &Tree, rounds: usize, column: &mut Column) -> Result {
        let mut processor = Vec::new();
        // The first ones make mount points and the like.
        for round in 0..rounds + 2 {
            self.look_and_change(tree, round)?;
            let snapshot = self.ask("snapshot")?;
            self.look_and_change(tree, round + 1)?;
            let rollback = self.ask(&format!("rollback {}", snapshot.said))?;
            // What is unmounted afterwards is counted with what comes next.
            let rest = self.ask("sh true")?.processor;
            if round >= 2 {
                column.add("snapshot, live", snapshot.wall);
                column.add("rollback, live", rollback.wall);
                processor.push(snapshot.processor + rollback.processor + rest);
            }
        }
        // It is counted in ticks, of which only many make a mean.
        let mean = processor.iter().sum::<f64>() / (processor.len().max(1) as f64);
        column.add("processor of both and a command", mean);
        Ok(())
    }

    fn look_and_change(&mut self, tree: &Tree, round: usize) -> Result {
        self.ask(&format!("sh find . > /dev/null; {}", tree.change(round)))?;
        // What is done in the background is no part of what comes next.
        std::thread::sleep(std::time::Duration::from_millis(300));
        Ok(())
    }

    fn ask(&mut self, request: &str) -> Result<Took> {
        writeln!(self.requests, "{request}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let mut words = answer.trim_end().splitn(3, ' ');
        let mut number = || words.next().unwrap_or_default().parse::<f64>();
        let (wall, processor) = (number()?, number()?);
        Ok(Took { wall, processor, said: words.next().unwrap_or_default().to_owned() })
    }

    pub(super) fn end(self) -> Result {
        let Self { mut child, requests, .. } = self;
        drop(requests);
        let status = child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("live: {status}").into()) }
    }
}
