//! The limits as options of a subcommand.

use clearing_profiles::{LimitName, check_limit};

/// Each takes `none`, which lifts the profile's limit.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits (`none` lifts one)")]
pub(super) struct LimitArguments {
    /// End the command after this time: `500ms`, `1.5s`, `10m`.
    #[arg(long, value_name = "TIME", allow_negative_numbers = true, value_parser = limit(LimitName::Timeout))]
    timeout: Option<String>,
    /// Processors that all processes may take together: `0.5`, `2`. Needs a cgroup.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = limit(LimitName::Cpus), hide_short_help = true)]
    cpus: Option<String>,
    /// Processor time of all processes together.
    #[arg(long, value_name = "TIME", allow_negative_numbers = true, value_parser = limit(LimitName::CpuTime), hide_short_help = true)]
    cpu_time: Option<String>,
    /// Memory of all processes together: `512M`, `4G`.
    ///
    /// Files in memory included.
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, value_parser = limit(LimitName::Memory))]
    memory: Option<String>,
    /// Processes and threads that there may be at once.
    #[arg(long, visible_alias = "processes", hide_short_help = true, value_name = "COUNT", allow_negative_numbers = true, value_parser = limit(LimitName::Processes))]
    pids: Option<String>,
    /// All that is written.
    ///
    /// `/tmp`, `/dev/shm` and the home included.
    #[arg(long, hide_short_help = true, value_name = "SIZE", allow_negative_numbers = true, value_parser = limit(LimitName::Disk))]
    disk: Option<String>,
    /// Files and directories that are made.
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = limit(LimitName::Inodes), hide_short_help = true)]
    inodes: Option<String>,
    /// Output and errors together.
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, value_parser = limit(LimitName::Output), hide_short_help = true)]
    output: Option<String>,
    /// The largest file.
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, value_parser = limit(LimitName::FileSize), hide_short_help = true)]
    file_size: Option<String>,
    /// Open descriptors of one process.
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = limit(LimitName::Nofile), hide_short_help = true)]
    nofile: Option<String>,
}

impl LimitArguments {
    /// Those that were given, as they were written.
    pub(super) fn given(self) -> Vec<(LimitName, String)> {
        let all = [
            (LimitName::Timeout, self.timeout),
            (LimitName::Cpus, self.cpus),
            (LimitName::CpuTime, self.cpu_time),
            (LimitName::Memory, self.memory),
            (LimitName::Processes, self.pids),
            (LimitName::Disk, self.disk),
            (LimitName::Inodes, self.inodes),
            (LimitName::Output, self.output),
            (LimitName::FileSize, self.file_size),
            (LimitName::Nofile, self.nofile),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }
}

/// Takes a text that the limit can be set to.
fn limit(name: LimitName) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync + 'static {
    move |text| match check_limit(name, text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => {
            Err(format!("{error}{}", error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default()))
        }
    }
}
