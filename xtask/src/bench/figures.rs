//! What was measured of one contender, and the table of all.

/// The pairs of one contender: what it took, and how often the bare run before it fits in.
pub(super) struct Figures {
    name: &'static str,
    microseconds: Vec<f64>,
    ratios: Vec<f64>,
    /// What the median of the ratios may be.
    limit: Option<f64>,
}

impl Figures {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, microseconds: Vec::new(), ratios: Vec::new(), limit: None }
    }

    /// The same with a promise.
    pub(super) fn within(self, limit: Option<f64>) -> Self {
        Self { limit, ..self }
    }

    /// Whether the promise holds, in words; nothing where there is none.
    fn verdict(&self) -> String {
        let is_kept = |limit| quantile(&self.ratios, 0.5) <= limit;
        let word = |limit| if is_kept(limit) { "within" } else { "NOT within" };
        self.limit.map(|limit| format!("  {} {limit}", word(limit))).unwrap_or_default()
    }

    pub(super) fn add(&mut self, bare: f64, own: f64) {
        self.microseconds.push(own);
        self.ratios.push(own / bare);
    }
}

/// Prints one line a contender: the median, the tenth and the ninetieth of a hundred.
pub(super) fn print(figures: &[Figures]) {
    println!("{:<24}{:>10}{:>10}{:>10}{:>14}", "", "µs p50", "p10", "p90", "ratio p50");
    for of_one in figures {
        let (Figures { name, microseconds, ratios, .. }, verdict) = (of_one, of_one.verdict());
        let [low, middle, high] = [0.1, 0.5, 0.9].map(|part| quantile(microseconds, part));
        println!("{name:<24}{middle:>10.0}{low:>10.0}{high:>10.0}{:>14.2}{verdict}", quantile(ratios, 0.5));
    }
}

/// The value that `part` of all lie below; halfway between two where it falls between.
pub(super) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = part * last as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], 0.5), 2.5);
        assert_eq!(quantile(&[5.0, 1.0, 3.0], 0.5), 3.0);
        assert_eq!(quantile(&[1.0, 2.0], 0.9), 1.9);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn the_ratio_is_to_the_run_before() {
        let mut figures = Figures::new("x");
        figures.add(100.0, 350.0);
        figures.add(200.0, 700.0);
        assert_eq!(figures.ratios, [3.5, 3.5]);
        assert_eq!(figures.verdict(), "");
    }

    #[test]
    fn a_promise_is_held_against_the_median() {
        let mut figures = Figures::new("x").within(Some(2.5));
        figures.add(100.0, 240.0);
        assert_eq!(figures.verdict(), "  within 2.5");
        figures.add(100.0, 300.0);
        assert_eq!(figures.verdict(), "  NOT within 2.5");
    }
}
