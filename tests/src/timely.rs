//! Promises of time, on a machine whose processors others want as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::patience;

/// How often something that came late is tried again.
const AGAIN: usize = 4;

/// Tries until what came of an attempt fits, five times at the most. `fits` is also told how much slower
/// than alone a bare loop beside the attempt was: 1.0 the first time, when there is none.
///
/// # Panics
///
/// If no attempt fits, with what `fits` said of each.
#[track_caller]
pub fn measured<T>(mut attempt: impl FnMut() -> T, fits: impl Fn(&T, f64) -> Result<(), String>) -> T {
    let first = attempt();
    let Err(mut told) = fits(&first, 1.0) else { return first };
    for _ in 0..AGAIN {
        let beside = Loop::start();
        let another = attempt();
        let slower = beside.end();
        match fits(&another, slower) {
            Ok(()) => return another,
            Err(why) => told = format!("{told}\n{slower:.1} times slower than alone: {why}"),
        }
    }
    panic!("{told}")
}

/// Demands that an attempt ends `late` after it is `due`, or so much later as a bare loop is slower.
///
/// # Panics
///
/// If none of five does.
#[track_caller]
pub fn in_time<T>(due: Duration, late: Duration, mut attempt: impl FnMut() -> T) -> T {
    let timed = || {
        let started = Instant::now();
        let value = attempt();
        (started.elapsed(), value)
    };
    let fits = |(took, _): &(Duration, T), slower: f64| {
        let end = due + patience(late).mul_f64(slower);
        if *took <= end { Ok(()) } else { Err(format!("it took {took:?}, more than {end:?}")) }
    };
    measured(timed, fits).1
}

/// The processor time of this thread: on a busy machine a better measure of patience than the clock.
pub fn own_processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a thread has a clock").into()
}

/// Wants a processor for as long as it lives.
struct Loop {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<f64>>,
}

impl Loop {
    fn start() -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let started = Instant::now();
            while !end.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
            let got = own_processor_time().as_secs_f64().max(1e-3);
            (started.elapsed().as_secs_f64() / got).max(1.0)
        });
        Self { ended, thread: Some(thread) }
    }

    /// How many times longer it took than it had a processor.
    fn end(mut self) -> f64 {
        self.ended.store(true, Ordering::Relaxed);
        let thread = self.thread.take();
        thread.and_then(|thread| thread.join().ok()).expect("a loop does not panic")
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
