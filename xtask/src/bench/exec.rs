//! `cargo xtask bench exec`: what one more command costs in a sandbox that lives on, by itself, through JSON-RPC, through
//! MCP and by HTTP.
//!
//! Every command there follows a bare spawn of the same one by the same small process, as each caller whom the
//! machine lets us be; what is told are medians of such pairs.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use super::ORDINARY_ID;
use super::figures::{Figures, print};
use super::place::Place;
use super::rpc::Door;
use crate::{Result, build, shell};

pub(crate) fn start(options: &[&str]) -> Result {
    let rounds = match options {
        [] => "500",
        ["--rounds", rounds] => rounds,
        _ => return Err("usage: cargo xtask bench exec [--rounds N]".into()),
    };
    let (binary, live) = (build::release_binary()?, build::release_example("live")?);
    let own = nix::unistd::geteuid().as_raw();
    let callers = if own == 0 { vec![0, ORDINARY_ID] } else { vec![own] };
    for user in callers {
        let place = Place::prepare(&binary)?;
        std::fs::copy(&live, place.live())?;
        if user != own {
            place.give_to(user)?;
        }
        let through = |chore: &[&str]| through(chore, &place, user, own, rounds);
        let live = measure(&place, user, own, rounds)?;
        let [rpc, pool, mcp] =
            [Door::Rpc, Door::Pool, Door::Mcp].map(|door| through(&[super::rpc::MEASURE, door.word()]));
        let http = through(&[super::http::MEASURE])?;
        println!("{rounds} pairs of `/bin/true`, as user {user}");
        println!("load average {}", std::fs::read_to_string("/proc/loadavg")?.trim_end());
        let mut figures = vec![Figures::new("bare spawn")];
        let all = [
            ("live exec", Some(1.3), live),
            ("JSON-RPC exec/start", Some(1.8), rpc?),
            ("session/create and it", Some(1.8), pool?),
            ("MCP run", Some(2.5), mcp?),
            ("HTTP POST execs", Some(2.2), http),
        ];
        for (name, limit, pairs) in all {
            let mut of_this = Figures::new(name).within(limit);
            for (bare, own) in pairs {
                figures[0].add(bare, bare);
                of_this.add(bare, own);
            }
            figures.push(of_this);
        }
        print(&figures);
    }
    Ok(())
}

/// Microseconds of each pair where a client of this chore asks for the command.
fn through(chore: &[&str], place: &Place, user: u32, own: u32, rounds: &str) -> Result<Vec<(f64, f64)>> {
    let mut client = by(place, Command::new(place.measurer()), user, own);
    let said = shell::read(client.args(chore).arg(place.directory()).arg(rounds))?;
    pairs(said.split_whitespace())
}

fn pairs<'a>(words: impl Iterator<Item = &'a str>) -> Result<Vec<(f64, f64)>> {
    let numbers = words.map(str::parse::<f64>).collect::<std::result::Result<Vec<f64>, _>>()?;
    Ok(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

/// Microseconds of each pair.
fn measure(place: &Place, user: u32, own: u32, rounds: &str) -> Result<Vec<(f64, f64)>> {
    let mut create = by(place, Command::new(place.binary()), user, own);
    let session = shell::read(create.args(["create", "-w"]).arg(place.project()))?;
    let mut live = by(place, Command::new(place.live()), user, own);
    let mut child = live.arg(session.trim()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    writeln!(child.stdin.take().ok_or("no input")?, "pairs {rounds}")?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("live: {}", output.status).into());
    }
    let said = String::from_utf8(output.stdout)?;
    pairs(said.split_whitespace().skip(2))
}

fn by(place: &Place, mut command: Command, user: u32, own: u32) -> Command {
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", place.home());
    command.env("CLEARING_STATE_DIR", place.state()).current_dir(place.project());
    if user != own {
        command.uid(user).gid(user);
    }
    command
}
