//! How far long work has come: a line on the terminal, which goes when the work is done.
//!
//! There is no thread that draws it: sandboxes are made by a process with one. Whatever is long says so itself,
//! after each file.

use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use clearing_rootfs::{Heard, Progress, Work, watch_work};

use crate::text::bytes;

/// Less is done before anybody wonders.
const AFTER: Duration = Duration::from_millis(500);
/// From one look at the line to the next.
const EVERY: Duration = Duration::from_millis(100);
/// What rests for so long has begun anew.
const REST: Duration = Duration::from_secs(2);

/// Back to the beginning of the line, and nothing after it.
const CLEAR: &str = "\r\x1b[K";

thread_local! {
    static METER: RefCell<Option<Meter>> = const { RefCell::new(None) };
}

/// Shows long work of this thread from now on, if standard error is a terminal that can take a line back.
pub(crate) fn watch() {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    if is_dumb || !io::stderr().is_terminal() {
        return;
    }
    METER.set(Some(Meter::default()));
    watch_work(hear);
}

/// Shows how far a copy has come.
pub(crate) fn copied(progress: Progress) {
    with(|meter, now| {
        let line = |_| format!("copying the project: {} files, {}", progress.entries, bytes(progress.bytes));
        meter.step(now, "copy", line)
    });
}

/// Takes the line away, if there is one: something else is to be said, or run.
pub(crate) fn clear() {
    with(|meter, _| meter.end());
}

fn hear(heard: Heard) {
    with(|meter, now| match heard {
        Heard::One(Work::Merge) => meter.step(now, "merge", |count| format!("merging layers: {count} files")),
        Heard::One(Work::Remove) => meter.step(now, "remove", |count| format!("removing: {count} files")),
        Heard::Ended => meter.end(),
    });
}

/// Draws what the meter says, where there is one.
fn with(told: impl FnOnce(&mut Meter, Instant) -> Option<String>) {
    METER.with_borrow_mut(|meter| {
        if let Some(text) = meter.as_mut().and_then(|meter| told(meter, Instant::now())) {
            let _ = io::stderr().write_all(text.as_bytes());
        }
    });
}

/// One work after another, and what is drawn of them.
#[derive(Debug, Default)]
struct Meter {
    work: Option<Running>,
    /// When the line that is there was drawn.
    drawn: Option<Instant>,
}

#[derive(Debug)]
struct Running {
    what: &'static str,
    begun: Instant,
    last: Instant,
    count: u64,
}

impl Meter {
    /// One more file is done: tells what is to be drawn.
    fn step(&mut self, now: Instant, what: &'static str, line: impl FnOnce(u64) -> String) -> Option<String> {
        let goes_on = |work: &Running| work.what == what && now.duration_since(work.last) < REST;
        let work = match self.work.take().filter(goes_on) {
            Some(work) => Running { last: now, count: work.count + 1, ..work },
            None => Running { what, begun: now, last: now, count: 1 },
        };
        let (begun, count) = (work.begun, work.count);
        self.work = Some(work);
        let is_due = self.drawn.is_none_or(|drawn| now.duration_since(drawn) >= EVERY);
        if now.duration_since(begun) < AFTER || !is_due {
            return None;
        }
        self.drawn = Some(now);
        Some(format!("{CLEAR}clearing: {}", line(count)))
    }

    /// Tells what takes the line away.
    fn end(&mut self) -> Option<String> {
        self.drawn.take().map(|_| CLEAR.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(count: u64) -> String {
        format!("{count} done")
    }

    #[test]
    fn what_is_soon_done_is_never_shown() {
        let (mut meter, begun) = (Meter::default(), Instant::now());
        for millis in 0..500 {
            assert_eq!(meter.step(begun + Duration::from_millis(millis), "it", line), None);
        }
        assert_eq!(meter.end(), None);
    }

    #[test]
    fn what_is_long_is_shown_now_and_then_and_taken_away_once() {
        let (mut meter, begun) = (Meter::default(), Instant::now());
        let at = |millis| begun + Duration::from_millis(millis);
        let shown: Vec<(u64, String)> =
            (0..=750).filter_map(|millis| Some((millis, meter.step(at(millis), "it", line)?))).collect();
        let drawn = |count: u64| format!("\r\x1b[Kclearing: {count} done");
        assert_eq!(shown, [(500, drawn(501)), (600, drawn(601)), (700, drawn(701))]);
        assert_eq!((meter.end().as_deref(), meter.end()), (Some(CLEAR), None));
    }

    #[test]
    fn many_trees_are_one_work_and_a_rest_ends_it() {
        let (mut meter, begun) = (Meter::default(), Instant::now());
        let at = |millis| begun + Duration::from_millis(millis);
        assert_eq!(meter.step(at(0), "it", line), None);
        assert_eq!(meter.end(), None);
        assert!(meter.step(at(600), "it", line).is_some_and(|text| text.ends_with("2 done")));
        assert_eq!(meter.step(at(800), "another", line), None);
        assert_eq!(meter.step(at(9000), "another", line), None);
    }
}
