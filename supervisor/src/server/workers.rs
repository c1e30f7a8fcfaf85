//! A few threads for what reads disks and needs no sandbox: nobody else waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that come when there is work, and go when there is none.
#[derive(Default)]
pub(crate) struct Workers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    jobs: Mutex<Jobs>,
    more: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    threads: usize,
    resting: usize,
}

/// So many work at a time.
const MOST: usize = 4;
/// How long one waits for more.
const REST: Duration = Duration::from_secs(5);

impl Workers {
    /// Has a job done.
    pub(crate) fn work(&self, job: impl FnOnce() + Send + 'static) {
        let mut jobs = self.0.lock();
        jobs.waiting.push_back(Box::new(job));
        if jobs.resting >= jobs.waiting.len() || jobs.threads == MOST {
            self.0.more.notify_one();
            return;
        }
        jobs.threads += 1;
        drop(jobs);
        let shared = Arc::clone(&self.0);
        let begun = std::thread::Builder::new().name("worker".into()).spawn(move || shared.work());
        if begun.is_err() {
            // Then somebody else does it, or we.
            let mut jobs = self.0.lock();
            jobs.threads -= 1;
            let job = if jobs.threads == 0 { jobs.waiting.pop_back() } else { None };
            drop(jobs);
            job.into_iter().for_each(|job| job());
        }
    }
}

impl Shared {
    fn work(&self) {
        let mut jobs = self.lock();
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                drop(jobs);
                job();
                jobs = self.lock();
                continue;
            }
            jobs.resting += 1;
            let (rested, over) = self.more.wait_timeout(jobs, REST).unwrap_or_else(PoisonError::into_inner);
            jobs = rested;
            jobs.resting -= 1;
            if over.timed_out() && jobs.waiting.is_empty() {
                jobs.threads -= 1;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
