//! The list of what is a secret by its name, compiled to Rust text: it is needed at every start.

use std::fmt::Write as _;
use std::fs;

use serde::Deserialize;

const FILE: &str = "sensitive.toml";

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
    let text = fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
    let File { left_out, group } = toml::from_str(&text).map_err(|error| format!("{FILE}: {error}"))?;
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
