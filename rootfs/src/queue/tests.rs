use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::scope;

use super::*;

fn queue(folder: &tempfile::TempDir) -> Queue {
    Queue::new(folder.path(), std::fs::File::open(folder.path()).expect("open").into())
}

fn draw(queue: &Queue, limit: usize) -> Result<Ticket, QueueError> {
    queue.draw(limit, WhenFull::Refuse, |_| ())
}

#[test]
fn no_more_than_the_limit_are_held_and_a_dropped_one_makes_room() {
    let folder = tempfile::tempdir().expect("folder");
    let queue = queue(&folder);
    let first = draw(&queue, 2).expect("first");
    let _second = draw(&queue, 2).expect("second");
    assert!(matches!(draw(&queue, 2), Err(QueueError::Busy { limit: 2, waiting: 0 })));
    drop(first);
    draw(&queue, 2).expect("room again");
}

#[test]
fn a_ticket_that_nobody_holds_does_not_count() {
    let folder = tempfile::tempdir().expect("folder");
    let queue = queue(&folder);
    std::fs::write(folder.path().join("0000000000000007"), "").expect("a dead one");
    std::fs::write(folder.path().join("0000000000000007.waiting"), "").expect("a dead one");
    let ticket = queue.draw(1, WhenFull::Wait, |_| ()).expect("drawn");
    drop(ticket);
    assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 0);
}

#[test]
fn whoever_waits_is_let_in_in_the_order_of_coming() {
    let folder = tempfile::tempdir().expect("folder");
    let queue = queue(&folder);
    let order = Mutex::new(Vec::new());
    let places = Mutex::new(Vec::new());
    let come = AtomicUsize::new(0);
    let first = draw(&queue, 1).expect("first");
    scope(|scope| {
        for number in 0..5 {
            let (queue, order, places, come) = (&queue, &order, &places, &come);
            scope.spawn(move || {
                let told = |place| {
                    places.lock().expect("lock").push((number, place));
                    come.fetch_max(number + 1, Ordering::SeqCst);
                };
                let ticket = queue.draw(1, WhenFull::Wait, told).expect("drawn");
                order.lock().expect("lock").push(number);
                drop(ticket);
            });
            while come.load(Ordering::SeqCst) <= number {
                sleep(Duration::from_millis(1));
            }
        }
        assert!(matches!(draw(&queue, 1), Err(QueueError::Busy { waiting: 5, .. })));
        drop(first);
    });
    assert_eq!(*order.lock().expect("lock"), [0, 1, 2, 3, 4]);
    let places = places.into_inner().expect("lock");
    assert_eq!(places[..5], [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]);
}

#[test]
fn the_limit_holds_however_many_come_at_once() {
    let folder = tempfile::tempdir().expect("folder");
    let queue = queue(&folder);
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let _ticket = queue.draw(3, WhenFull::Wait, |_| ()).expect("drawn");
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_millis(20));
                inside.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 3);
}
