//! Values as Rust expressions which make the same values again, at home in `src/builtin.rs`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::commands::{Decision, Rule, Rules};
use crate::profile::{Profile, Widening};
use crate::sections::{
    Commands, Environment, Filesystem, Guards, HostPath, Landlock, LayerPlace, Limits, Network, NetworkMode,
    Output, Patch, Requirement, Rollback, Syscalls, Tier, Trigger,
};

/// What can be written as an expression.
pub(crate) trait Expression: Sized {
    /// The expression.
    fn expression(&self) -> String;

    /// The expression of a `Vec` of such values.
    fn list(values: &[Self]) -> String {
        format!("vec![{}]", joined(values))
    }
}

/// No `..` stands here, so a field that is not written down fails the build.
macro_rules! structs {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl Expression for $name {
            fn expression(&self) -> String {
                let Self { $($field),* } = self;
                let fields = [$(format!("{}: {}", stringify!($field), $field.expression())),*];
                format!("crate::{} {{ {} }}", stringify!($name), fields.join(", "))
            }
        }
    )*};
}

structs! {
    Profile {
        name, widened, filesystem, network, environment, commands, limits, output, rollback, patch, syscalls, landlock,
        guards
    }
    Widening { profile, reason }
    Filesystem { read, hide, sensitive, show, read_only, tool_roots, caches, layer, layer_size }
    Network { mode }
    Environment { pass, set }
    Commands { default, enforce, rules }
    Rule { prefix, decision, reason }
    Limits {
        timeout, grace, cpus, cpu_time, memory, processes, disk, inodes, output, file_size, nofile, core,
        stack, memlock, cgroup
    }
    Output { head, tail }
    Rollback { on, max_snapshots, max_age }
    Patch { max_size, max_files, max_made, keep }
    Syscalls { allow, refuse }
    Landlock { abi }
    Guards { tier, requirements }
}

/// What `Debug` writes as the expression, with a path before it or none.
macro_rules! printed {
    ($($path:literal $name:ty),*) => {$(
        impl Expression for $name {
            fn expression(&self) -> String {
                format!(concat!($path, "{:?}"), self)
            }
        }
    )*};
}

printed! {
    "" bool, "" u64, "" &str,
    "crate::Decision::" Decision, "crate::LayerPlace::" LayerPlace, "crate::NetworkMode::" NetworkMode, "crate::Requirement::" Requirement,
    "crate::Tier::" Tier, "crate::Trigger::" Trigger
}

impl Expression for String {
    fn expression(&self) -> String {
        format!("String::from({self:?})")
    }
}

impl Expression for Cow<'static, str> {
    fn expression(&self) -> String {
        format!("std::borrow::Cow::Borrowed({self:?})")
    }

    /// Constants with a loop over them are less code than a store for each.
    fn list(values: &[Self]) -> String {
        format!("borrowed(&{values:?})")
    }
}

impl Expression for Rules {
    fn expression(&self) -> String {
        format!("crate::Rules::from({})", self.list().expression())
    }
}

impl Expression for HostPath {
    fn expression(&self) -> String {
        let (variant, path) = match self {
            Self::Absolute(path) => ("Absolute", path),
            Self::Home(path) => ("Home", path),
        };
        format!("crate::HostPath::{variant}(std::path::PathBuf::from({path:?}))")
    }
}

impl Expression for Duration {
    fn expression(&self) -> String {
        format!("std::time::Duration::new({}, {})", self.as_secs(), self.subsec_nanos())
    }
}

impl<T: Expression> Expression for Option<T> {
    fn expression(&self) -> String {
        self.as_ref().map_or("None".to_owned(), |value| format!("Some({})", value.expression()))
    }
}

impl<T: Expression> Expression for Vec<T> {
    fn expression(&self) -> String {
        T::list(self)
    }
}

impl<T: Expression, const LENGTH: usize> Expression for [T; LENGTH] {
    fn expression(&self) -> String {
        format!("[{}]", joined(self))
    }
}

impl<T: Expression> Expression for BTreeSet<T> {
    fn expression(&self) -> String {
        format!("std::collections::BTreeSet::from([{}])", joined(self))
    }
}

impl<K: Expression, V: Expression> Expression for BTreeMap<K, V> {
    fn expression(&self) -> String {
        let entry = |(key, value): (&K, &V)| format!("({}, {})", key.expression(), value.expression());
        let entries: Vec<String> = self.iter().map(entry).collect();
        format!("std::collections::BTreeMap::from([{}])", entries.join(", "))
    }
}

fn joined<'v, T: Expression + 'v>(values: impl IntoIterator<Item = &'v T>) -> String {
    let expressions: Vec<String> = values.into_iter().map(T::expression).collect();
    expressions.join(", ")
}
