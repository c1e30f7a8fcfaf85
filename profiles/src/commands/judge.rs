//! Judges a command, and whatever it says that it will start.

use super::builtins::{self, Shell};
use super::changes::Changes;
use super::judgement::{Basis, Judgement, Ruling};
use super::rule::{Decision, Fit, Rule};
use super::shell::{self, Dialect, Unread};
use super::variables::{changes_programs, is_name};
use super::word::{Word, shown};
use super::{exposed, shells, starters, wrappers};
use crate::sections::Commands;

/// What a command starts, as far as its words say.
pub(super) enum Starts<'w> {
    /// The program that it names.
    Itself,
    /// None: the shell does it.
    Nothing,
    /// Perhaps others: a rule that allows it has to name the words up to this one.
    Exposed { at: usize, why: &'static str },
    /// These. `alone` says that what stands before them is not looked at by itself.
    Others { alone: bool, inner: Vec<Inner<'w>> },
}

/// What another command starts.
pub(super) enum Inner<'w> {
    /// A program, and whether it is started elsewhere than here.
    Program(Vec<Word<'w>>, bool),
    /// A program, or a command of the same shell.
    OfShell(Vec<Word<'w>>),
    /// A shell that reads this text.
    Text(Vec<u8>, Dialect),
}

impl Starts<'_> {
    /// Only a rule that is the whole command may allow this.
    pub(super) fn exposed(why: &'static str) -> Self {
        Self::Exposed { at: usize::MAX, why }
    }
}

/// Where a command stands.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    shell: Option<Shell>,
    /// Whether the working directory may be another one.
    moved: bool,
}

/// Where a whole command begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// At the top of the project, of which rules with a relative path are written.
    AtTop,
    /// Elsewhere: a relative path names another file there, and no such rule allows that.
    Elsewhere,
}

/// Commands within commands beyond these are not judged.
const DEEPEST: u32 = 12;
const MOST: u32 = 4000;

/// Judges an argument vector.
pub(crate) fn judge(commands: &Commands, argv: &[impl AsRef<[u8]>], begins: Begins) -> Judgement {
    let words: Vec<Word<'_>> = argv.iter().map(|argument| Word::known(argument.as_ref())).collect();
    judge_words(commands, &words, begins)
}

/// Judges a command whose words are known.
pub(super) fn judge_words(commands: &Commands, words: &[Word<'_>], begins: Begins) -> Judgement {
    let mut judge = Judge {
        commands,
        begins,
        strictest: strictest(commands),
        rulings: Vec::new(),
        displaced: false,
        depth: 0,
        left: MOST,
        spent: false,
    };
    if judge.strictest == Decision::Allow {
        return Judgement::Allow(Vec::new());
    }
    judge.command(words, Place::default());
    // Nor does the same line, written down, mean the same there.
    if judge.displaced {
        return Judgement::of(judge.rulings, &[]);
    }
    // Who writes a command down whole has seen what is in it.
    if let (_, Some(rule)) = judge.rules(words)
        && rule.prefix.len() == words.len()
    {
        judge.rulings.retain(|ruling| matches!(ruling.basis, Basis::Rule(_)));
        judge.find(words, Decision::Allow, Basis::Rule(rule.clone()));
    }
    Judgement::of(judge.rulings, words)
}

/// Judges a variable that is set for a command.
pub(crate) fn judge_variable(commands: &Commands, name: &[u8], words: &[Word<'_>]) -> Judgement {
    let decision = strictest(commands);
    if decision == Decision::Allow || !changes_programs(name) {
        return Judgement::Allow(Vec::new());
    }
    let segment = format!("{}=…", String::from_utf8_lossy(name));
    let basis = Basis::Undecided("it sets a variable that changes which programs run");
    Judgement::of(vec![Ruling { segment, decision, basis, line: None }], words).without_line()
}

/// What becomes of what nobody can decide: the strictest that any command may meet.
fn strictest(commands: &Commands) -> Decision {
    commands.default.max(commands.rules.strictest())
}

struct Judge<'c> {
    commands: &'c Commands,
    begins: Begins,
    strictest: Decision,
    rulings: Vec<Ruling>,
    /// Whether a relative path in it names another program than at the top of the project.
    displaced: bool,
    depth: u32,
    left: u32,
    /// Whether it was said that there are more.
    spent: bool,
}

impl<'c> Judge<'c> {
    fn command(&mut self, words: &[Word<'_>], place: Place) {
        if self.left == 0 || self.depth >= DEEPEST {
            // Once: a hundred thousand of them may follow.
            if !std::mem::replace(&mut self.spent, true) {
                self.undecided(words, "it holds more commands than are judged");
            }
            return;
        }
        self.left -= 1;
        let Some(program) = words.first().and_then(Word::text) else {
            return self.undecided(words, "which program it starts is known only when it runs");
        };
        if program.is_empty() {
            return self.undecided(words, "it names no program");
        }
        if words.iter().any(|word| word.start.contains(&0)) {
            return self.undecided(words, "a word of it has a NUL in it");
        }
        let relative = is_relative(words);
        self.displaced |= relative && self.begins == Begins::Elsewhere;
        if relative && place.moved {
            return self.undecided(words, "which program is at its path depends on where it starts");
        }
        match starts(words, place) {
            Starts::Itself => self.ordinary(words, None),
            Starts::Nothing => self.of_shell(words),
            Starts::Exposed { at, why } => self.ordinary(words, Some((at, why))),
            Starts::Others { alone, inner } => {
                match alone {
                    true => self.asked_or_denied(words),
                    false => self.ordinary(words, None),
                }
                self.depth += 1;
                inner.into_iter().for_each(|inner| self.inner(inner, place));
                self.depth -= 1;
            }
        }
    }

    fn inner(&mut self, inner: Inner<'_>, place: Place) {
        match inner {
            Inner::Program(words, moved) => {
                self.command(&words, Place { shell: None, moved: place.moved || moved });
            }
            Inner::OfShell(words) => self.command(&words, place),
            Inner::Text(text, dialect) => self.text(&text, dialect, place),
        }
    }

    /// Judges every command of a shell's text.
    fn text(&mut self, text: &[u8], dialect: Dialect, place: Place) {
        let whole = [Word::known(text)];
        let script = match shell::read(text, dialect) {
            Ok(script) => script,
            Err(Unread(why)) => return self.undecided(&whole, why),
        };
        let assigned = script.commands.iter().flat_map(|command| &command.assigned);
        if assigned.chain(&script.variables).any(|name| changes_programs(name)) {
            self.undecided(&whole, "it sets a variable that changes which programs run");
        }
        // What stands around it may be the same shell.
        let around = place.shell.map_or(Changes::default(), |shell| shell.changes);
        let changes = Changes::of(&script, dialect).and(around);
        let place = Place { shell: Some(Shell { dialect, changes }), moved: place.moved || changes.moves };
        for (number, command) in script.commands.iter().enumerate() {
            if command.words.is_empty() || is_call(&script, &command.words, number, place) {
                continue;
            }
            self.command(&command.words, place);
        }
    }

    /// A program, by the rules. `exposed` tells the last word that has to be in a rule which allows it.
    fn ordinary(&mut self, words: &[Word<'_>], exposed: Option<(usize, &'static str)>) {
        let (strict, allow) = self.rules(words);
        let named =
            |at: usize| allow.is_some_and(|rule| rule.prefix.len() > at || rule.prefix.len() == words.len());
        let exposed = exposed.filter(|(at, _)| !named(*at));
        if let Some(rule) = strict
            && (exposed.is_none() || rule.decision >= self.strictest)
        {
            return self.find(words, rule.decision, Basis::Rule(rule.clone()));
        }
        match (exposed, allow) {
            (Some((_, why)), _) => self.undecided(words, why),
            (_, Some(rule)) => self.find(words, Decision::Allow, Basis::Rule(rule.clone())),
            (_, None) => {
                let basis = if self.is_displaced(words) { Basis::Elsewhere } else { Basis::NoRule };
                self.find(words, self.commands.default, basis);
            }
        }
    }

    /// What the shell does itself needs no rule, and one may stand against it.
    fn of_shell(&mut self, words: &[Word<'_>]) {
        match self.rules(words) {
            (Some(rule), _) => self.find(words, rule.decision, Basis::Rule(rule.clone())),
            (None, _) => self.find(words, Decision::Allow, Basis::Shell),
        }
    }

    fn asked_or_denied(&mut self, words: &[Word<'_>]) {
        if let (Some(rule), _) = self.rules(words) {
            self.find(words, rule.decision, Basis::Rule(rule.clone()));
        }
    }

    fn undecided(&mut self, words: &[Word<'_>], why: &'static str) {
        self.find(words, self.strictest, Basis::Undecided(why));
    }

    fn find(&mut self, words: &[Word<'_>], decision: Decision, basis: Basis) {
        self.rulings.push(Ruling::new(shown(words), decision, basis, words));
    }

    /// The strictest rule that may stand against a command, and the longest that allows it for certain.
    fn rules(&self, words: &[Word<'_>]) -> (Option<&'c Rule>, Option<&'c Rule>) {
        let (mut strict, mut allow): (Option<&Rule>, Option<&Rule>) = (None, None);
        let displaced = self.is_displaced(words);
        for rule in self.commands.rules.perhaps_about(words) {
            match (rule.decision, rule.fit(words)) {
                (_, Fit::No) | (Decision::Allow, Fit::Maybe) => {}
                (Decision::Allow, Fit::Yes) if displaced => {}
                (Decision::Allow, Fit::Yes) => {
                    let longer = allow.is_none_or(|other| rule.prefix.len() > other.prefix.len());
                    allow = if longer { Some(rule) } else { allow };
                }
                (decision, _) if strict.is_none_or(|strict| decision > strict.decision) => {
                    strict = Some(rule)
                }
                _ => {}
            }
        }
        (strict, allow)
    }

    fn is_displaced(&self, words: &[Word<'_>]) -> bool {
        self.begins == Begins::Elsewhere && is_relative(words)
    }
}

/// Whether the program lies where a path says that depends on the working directory.
fn is_relative(words: &[Word<'_>]) -> bool {
    let program = words.first().and_then(Word::text).unwrap_or_default();
    program.contains(&b'/') && program[0] != b'/'
}

/// Whether a command calls a function that is certain to be there; its body is judged where it stands.
fn is_call(script: &shell::Script, words: &[Word<'_>], number: usize, place: Place) -> bool {
    let Some(name) = words[0].text() else { return false };
    let is_builtin = place.shell.is_some_and(|shell| builtins::starts(words, shell).is_some());
    let plain = is_name(name) && !is_builtin && wrappers::starts(words).is_none();
    plain && script.functions.iter().any(|(function, from)| function == name && *from <= number)
}

fn starts<'w>(words: &[Word<'w>], place: Place) -> Starts<'w> {
    if let Some(starts) = place.shell.and_then(|shell| builtins::starts(words, shell)) {
        return starts;
    }
    if let Some(starts) = shells::starts(words).or_else(|| wrappers::starts(words)) {
        return starts;
    }
    match (starters::starts(words), exposed::starts(words)) {
        // All of such words have to be in the rule.
        (Some(Starts::Exposed { at, why }), Some(Starts::Exposed { at: other, .. })) => {
            Starts::Exposed { at: at.max(other), why }
        }
        (Some(starts), _) | (None, Some(starts)) => starts,
        (None, None) => Starts::Itself,
    }
}
