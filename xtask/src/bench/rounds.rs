//! The measuring itself: pairs of a bare run and a contender's, in shuffled order.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::process::Command;
use std::time::Instant;

use super::contenders::{self, Contender};
use super::figures::Figures;
use crate::Result;

/// Runs every contender once to warm up, then `rounds` times.
pub(super) fn measure(contenders: &[Contender], rounds: usize) -> Result<Vec<Figures>> {
    let mut bare = contenders::bare().command();
    // The bare command against itself shows how much of a ratio is noise.
    let mut commands = vec![contenders::bare().command()];
    commands.extend(contenders.iter().map(Contender::command));
    let mut figures = vec![Figures::new("bare spawn")];
    figures.extend(contenders.iter().map(|contender| Figures::new(contender.name)));
    for round in 0..=rounds {
        for at in shuffled(commands.len()) {
            let (before, own) = (time(&mut bare)?, time(&mut commands[at])?);
            if round > 0 {
                figures[at].add(before, own);
            }
        }
    }
    Ok(figures)
}

/// Microseconds from before the spawn to after the wait.
fn time(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let status = command.status()?;
    let elapsed = start.elapsed();
    if status.success() {
        Ok(elapsed.as_secs_f64() * 1e6)
    } else {
        Err(format!("{command:?}: {status}").into())
    }
}

/// The numbers below `count` in an order of their own.
fn shuffled(count: usize) -> Vec<usize> {
    let random = RandomState::new();
    let mut order: Vec<_> = (0..count).collect();
    order.sort_by_cached_key(|number| random.hash_one(number));
    order
}

#[cfg(test)]
mod tests {
    use super::shuffled;

    #[test]
    fn every_order_is_a_permutation_and_orders_differ() {
        let orders: Vec<_> = (0..20).map(|_| shuffled(8)).collect();
        for order in &orders {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..8).collect::<Vec<_>>());
        }
        assert!(orders.iter().any(|order| order != &orders[0]));
    }
}
