//! Random edits of a tree, and what a tree looks like.

/// A shell script that prints a line for each path below the current directory: type, mode, path, content or
/// target.
pub const TELL: &str = r#"find . -mindepth 1 | LC_ALL=C sort | while read -r path; do
    if [ -h "$path" ]; then echo "$path -> $(readlink "$path")"
    elif [ -f "$path" ]; then echo "$path $(stat -c %a "$path") $(cksum < "$path")"
    else echo "$path $(stat -c %a "$path")/"; fi; done"#;

/// The same numbers for the same seed (xorshift).
pub struct Random(u64);

impl Random {
    /// `$CLEARING_TEST_SEED`, else another one each time; printed, so that a failure can be had again.
    pub fn seed() -> u64 {
        let given = std::env::var("CLEARING_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| (u64::from(std::process::id()) * 0x9e37_79b9) | 1);
        eprintln!("CLEARING_TEST_SEED={seed}");
        seed
    }

    /// The numbers of one case.
    pub fn of_case(seed: u64, case: u64) -> Self {
        Self(seed.wrapping_add(case * 0x1234_5677) | 1)
    }

    /// A number below another one.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).expect("an index")]
    }

    fn path(&mut self) -> String {
        let names = ["a", "b", "c"];
        let depth = self.pick(&["", "x", "xx"]).len();
        (0..=depth).map(|_| self.pick(&names)).collect::<Vec<_>>().join("/")
    }

    /// A shell script of edits that may fail, as some of those of a real command do.
    pub fn edits(&mut self, number: usize) -> String {
        let edit = |random: &mut Self| {
            let (path, other) = (random.path(), random.path());
            let edit = random.pick(&[
                "rm -rf P",
                "mkdir -p P",
                "chmod 700 P",
                "chmod 755 P",
                "ln -s b P",
                "mv P O",
                "cp -r P O",
                "echo 1 > P",
                "echo 2 >> P",
                "mkdir -p P; echo 3 > P/c",
            ]);
            format!("({}) 2>/dev/null || true", edit.replace('P', &path).replace('O', &other))
        };
        (0..number).map(|_| edit(self)).collect::<Vec<_>>().join("\n")
    }
}
