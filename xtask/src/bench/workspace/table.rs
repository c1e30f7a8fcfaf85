//! Medians of all sizes, side by side.

use super::super::figures::quantile;
use super::tree::Tree;

/// What was measured over one size, in microseconds.
pub(super) struct Column {
    heading: String,
    rows: Vec<(&'static str, Vec<f64>)>,
}

impl Column {
    pub(super) fn of(tree: &Tree) -> Self {
        Self { heading: format!("{} files", tree.files), rows: Vec::new() }
    }

    pub(super) fn add(&mut self, row: &'static str, microseconds: f64) {
        match self.rows.iter_mut().find(|(name, _)| *name == row) {
            Some((_, values)) => values.push(microseconds),
            None => self.rows.push((row, vec![microseconds])),
        }
    }

    fn median(&self, row: &str) -> f64 {
        let values = self.rows.iter().find(|(name, _)| *name == row).map_or(&[][..], |(_, values)| values);
        quantile(values, 0.5)
    }
}

/// Prints one line a row, with the median of each size, and how much more the last takes than the first.
pub(super) fn print(columns: &[Column]) {
    let (Some(first), Some(last)) = (columns.first(), columns.last()) else { return };
    let headings: String = columns.iter().map(|column| format!("{:>16}", column.heading)).collect();
    println!("{:<34}{headings}{:>16}", "ms, p50", "last/first");
    for (row, _) in &first.rows {
        let medians = columns.iter().map(|column| format!("{:>16.3}", column.median(row) / 1000.0));
        let ratio = last.median(row) / first.median(row);
        println!("{row:<34}{}{ratio:>16.2}", medians.collect::<String>());
    }
    println!("{:<34}{headings}", "beside the bare project");
    for (row, bare) in [
        ("git status first", "git status bare"),
        ("git status again", "git status bare"),
        ("find first", "find bare"),
        ("find again", "find bare"),
    ] {
        let ratios =
            columns.iter().map(|column| format!("{:>16.2}", column.median(row) / column.median(bare)));
        println!("{row:<34}{}", ratios.collect::<String>());
    }
}
