//! Where a diff goes: to the caller's own stream, or through the pager to a terminal.

use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};

use super::pager::Pager;
use super::{Arguments, Color};
use crate::cli::color;
use crate::error::Error;

/// The way of a diff to its reader.
pub(super) struct Screen {
    way: Way,
    is_shown: bool,
    color: bool,
}

enum Way {
    Direct(BufWriter<Stdout>),
    Paged(Pager),
}

impl Screen {
    pub(super) fn open(arguments: &Arguments) -> Result<Self, Error> {
        let is_shown = io::stdout().is_terminal();
        let color = match arguments.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_shown && color::is_wanted(),
        };
        let is_paged = is_shown && !arguments.no_pager && !arguments.json && !arguments.nul;
        let pager = if is_paged { Pager::start()? } else { None };
        let way = pager.map_or_else(|| Way::Direct(BufWriter::new(io::stdout())), Way::Paged);
        Ok(Self { way, is_shown, color })
    }

    /// Whether somebody reads it on a terminal, which would obey what a command wrote.
    pub(super) fn is_shown(&self) -> bool {
        self.is_shown
    }

    pub(super) fn color(&self) -> bool {
        self.color
    }

    /// Ends the diff, and waits until it is read.
    pub(super) fn close(self) -> io::Result<()> {
        match self.way {
            Way::Direct(mut out) => out.flush(),
            Way::Paged(pager) => pager.close(),
        }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.way {
            Way::Direct(out) => out.write(bytes),
            Way::Paged(pager) => pager.out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.way {
            Way::Direct(out) => out.flush(),
            Way::Paged(pager) => pager.out.flush(),
        }
    }
}
