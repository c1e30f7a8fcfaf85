//! Passes on what a program prints, as it comes.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::process::Child;
use std::thread;

use crate::Result;

/// Passes on both streams of a program while `wait` waits for its end.
pub(crate) fn both<T>(
    program: &mut Child,
    see: &mut (dyn FnMut(&str) + Send),
    wait: impl FnOnce(&mut Child) -> Result<T>,
) -> Result<T> {
    let (out, error) = (program.stdout.take(), program.stderr.take());
    thread::scope(|scope| {
        let out = scope.spawn(|| out.map_or(Ok(()), |out| lines(out, io::stdout(), see)));
        let error = scope.spawn(|| error.map_or(Ok(()), |error| lines(error, io::stderr(), &mut |_| {})));
        let ended = wait(program);
        for thread in [out, error] {
            thread.join().map_err(|_| "a relay panicked")??;
        }
        ended
    })
}

/// Passes on a stream to its end, byte for byte, and shows each line to `see`.
fn lines(from: impl Read, mut to: impl Write, see: &mut (dyn FnMut(&str) + Send)) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        see(String::from_utf8_lossy(&line).trim_end_matches('\n'));
        to.write_all(&line)?;
        to.flush()?;
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_as_they_are_and_lines_are_seen() {
        let (mut passed, mut seen) = (Vec::new(), Vec::new());
        lines(&b"a\n\xff\nend"[..], &mut passed, &mut |line| seen.push(line.to_owned())).unwrap();
        assert_eq!(passed, b"a\n\xff\nend");
        assert_eq!(seen, ["a", "\u{fffd}", "end"]);
    }
}
