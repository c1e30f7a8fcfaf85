//! Judges commands and checks a patch, in one process and again and again: `judging DIRECTORY COMMANDS PATCHES`.
//!
//! Each line that it prints is one thing that was judged: its name, the microseconds that it may take, and the
//! nanoseconds that it took each time, apart by tabs and blanks.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use clearing::MeasuredCheck;
use clearing_profiles::{Commands, Judgement, Profile};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The words of a command, and what a shell reads.
const ARGV: [&str; 4] = ["git", "log", "--oneline", "-20"];
const TEXT: &str =
    "cd src && git log --oneline | grep -c fix; for f in *.rs; do wc -l \"$f\" || echo none; done";

/// As many files, and as many lines in each that the patch takes out or puts in.
const FILES: usize = 50;
const LINES: usize = 20;

fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, commands, patches] = arguments.as_slice() else {
        return Err("usage: judging DIRECTORY COMMANDS PATCHES".into());
    };
    let (directory, rounds) = (Path::new(directory), commands.parse()?);
    for rules in [9, 216] {
        let commands = commands_of(directory, rules)?;
        let shell = ["sh", "-c", TEXT];
        measure(&format!("argv, {rules} rules"), 50, rounds, || allowed(&commands, &ARGV))?;
        measure(&format!("sh -c, {rules} rules"), 50, rounds, || allowed(&commands, &shell))?;
    }
    let check = MeasuredCheck::of(patch(&directory.join("tree"))?.as_bytes())?;
    measure("patch, 1000 lines in 50 files", 1000, patches.parse()?, || {
        let files = check.check(&directory.join("tree"))?;
        if files == FILES { Ok(()) } else { Err("the patch is refused".into()) }
    })
}

/// A tenth more than is told, to begin with.
fn measure(name: &str, budget: u64, rounds: usize, judge: impl Fn() -> Result) -> Result {
    let mut nanoseconds = Vec::with_capacity(rounds);
    for round in 0..rounds + rounds / 10 {
        let since = Instant::now();
        judge()?;
        let elapsed = since.elapsed().as_nanos();
        if round >= rounds / 10 {
            nanoseconds.push(elapsed.to_string());
        }
    }
    println!("{name}\t{budget}\t{}", nanoseconds.join(" "));
    Ok(())
}

fn allowed(commands: &Commands, argv: &[&str]) -> Result {
    match black_box(commands.judge(black_box(argv))) {
        Judgement::Allow(_) => Ok(()),
        other => Err(format!("{argv:?} is not allowed: {other:?}").into()),
    }
}

/// Rules on so many commands, those that are called the last of them.
fn commands_of(directory: &Path, rules: usize) -> Result<Commands> {
    let called = [r#""cd""#, r#""git", ["status", "log", "diff"]"#, r#""grep""#, r#""wc""#, r#""echo""#];
    let mut text = String::from("extends = \"default\"\n[commands]\ndefault = \"ask\"\nrules = [\n");
    let others = (called.len()..rules).map(|number| format!(r#""tool{number}", ["build", "test"]"#));
    for prefix in others.chain(called.map(str::to_owned)) {
        writeln!(text, r#"{{ prefix = [{prefix}], decision = "allow", reason = "it is known" }},"#)?;
    }
    let path = directory.join(format!("rules-{rules}.toml"));
    fs::write(&path, text + "]\n")?;
    Ok(Profile::load(&path)?.commands)
}

/// Makes a tree of files of 200 lines, five directories deep, and a patch that takes lines out of each and puts
/// others in, in two places.
fn patch(top: &Path) -> Result<String> {
    let mut patch = String::new();
    for number in 0..FILES {
        let directory = format!("src/part{}/a/b/c", number % 10);
        let path = format!("{directory}/file{number}.rs");
        fs::create_dir_all(top.join(&directory))?;
        let content: String = (1..=200).map(line).collect();
        fs::write(top.join(&path), content)?;
        write!(patch, "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n")?;
        hunk(&mut patch, 40)?;
        hunk(&mut patch, 140)?;
    }
    Ok(patch)
}

fn line(number: usize) -> String {
    format!("    let value_{number} = compute(value, {number}).unwrap_or_default();\n")
}

/// A quarter of a file's lines is taken out here, and as many are put in.
fn hunk(patch: &mut String, at: usize) -> Result {
    let (changed, around) = (LINES / 4, 3);
    let length = changed + 2 * around;
    writeln!(patch, "@@ -{at},{length} +{at},{length} @@ fn main()")?;
    let kept = |patch: &mut String, from: usize| {
        (from..from + around).try_for_each(|it| write!(patch, " {}", line(it)))
    };
    kept(patch, at)?;
    for number in at + around..at + around + changed {
        write!(patch, "-{}", line(number))?;
    }
    for number in at + around..at + around + changed {
        write!(patch, "+{}", line(number + 1000))?;
    }
    kept(patch, at + around + changed)?;
    Ok(())
}
