//! The server's log: lines on standard error, as many as `RUST_LOG` asks for, with a level where the journal reads them.

use std::fmt;
use std::os::fd::AsFd as _;
use std::str::FromStr as _;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What is told where nobody asks for more or less.
const USUAL: &str = "clearing=info";

/// Begins the log of this process; it has one already if it is called again.
pub(super) fn begin() {
    let asked = std::env::var("RUST_LOG").ok();
    let targets = asked.as_deref().and_then(|asked| Targets::from_str(asked).ok());
    let is_odd = asked.is_some() && targets.is_none();
    let targets = targets.or_else(|| Targets::from_str(USUAL).ok()).unwrap_or_default();
    let lines = Lines { is_journal: is_journal() };
    let layer =
        tracing_subscriber::fmt::layer().event_format(lines).with_ansi(false).with_writer(std::io::stderr);
    let is_new = tracing_subscriber::registry().with(targets).with(layer).try_init().is_ok();
    if is_new && is_odd {
        super::log("`RUST_LOG` is not understood; it is a level, or targets with levels");
    }
}

/// Whether standard error leads to the journal, which says which stream is its own.
/// <https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html>
pub(super) fn is_journal() -> bool {
    let Ok(told) = std::env::var("JOURNAL_STREAM") else { return false };
    let found = rustix::fs::fstat(rustix::stdio::stderr().as_fd());
    found.is_ok_and(|found| told == format!("{}:{}", found.st_dev, found.st_ino))
}

/// An event is a line: a client chooses some of its words, and begins none with them.
struct Lines {
    is_journal: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        crate::progress::clear();
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions.get::<tracing_subscriber::fmt::FormattedFields<N>>();
            let fields = fields.map(|fields| fields.fields.as_str()).unwrap_or_default();
            text.push_str(&format!(" ({} {fields})", span.name()));
        }
        if self.is_journal {
            write!(to, "<{}>", priority(*event.metadata().level()))?;
        }
        writeln!(to, "clearing: {}", crate::text::line(&text))
    }
}

/// As syslog numbers them.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}
