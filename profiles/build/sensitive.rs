//! The list of what is a secret by its name, compiled to Rust text: it is needed at every start.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::names::read_list;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    left_out: Vec<String>,
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    reason: String,
    names: Vec<String>,
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

/// One rule a pattern, in the order of the file.
pub(crate) fn compile() -> Result<String, String> {
    let File { left_out, group } = read_list("sensitive.toml")?;
    let mut table = format!("pub(super) static LEFT_OUT: &[&str] = &{left_out:?};\n");
    table.push_str("pub(super) static RULES: &[SensitiveRule] = &[\n");
    for Group { reason, names, contains, except } in &group {
        for pattern in names {
            let _ = writeln!(
                table,
                "    SensitiveRule {{ pattern: {pattern:?}, reason: {reason:?}, contains: &{contains:?}, except: &{except:?} }},"
            );
        }
    }
    table.push_str("];\n");
    Ok(table)
}
