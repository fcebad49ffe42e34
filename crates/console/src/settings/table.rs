//! `config show`: every setting, its value and where it came from.

use std::fmt;

use super::Setting;

/// The rows of `config show`.
///
/// ```
/// use notes_console::settings::{Candidates, Table};
///
/// let mut table = Table::default();
/// table.add(&Candidates::new("deploy.replicas").flag("--replicas", Some(2)).or(1));
/// table.add(&Candidates::new("build.dockerfile").or("Dockerfile"));
/// assert_eq!(
///     table.to_string(),
///     "deploy.replicas   2           --replicas\n\
///      build.dockerfile  Dockerfile  default"
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<[String; 3]>,
}

impl Table {
    /// Adds a setting.
    pub fn add<T: fmt::Display>(&mut self, setting: &Setting<T>) {
        self.row(setting.key, setting.value.to_string(), setting.origin.to_string());
    }

    /// Adds a setting that may be open.
    pub fn add_optional<T: fmt::Display>(&mut self, setting: &Setting<Option<T>>) {
        let value = setting.value.as_ref().map_or_else(|| "-".into(), T::to_string);
        self.row(setting.key, value, setting.origin.to_string());
    }

    /// Adds a row that is no setting of its own, such as what follows from others.
    pub fn row(
        &mut self,
        key: impl Into<String>,
        value: impl Into<String>,
        origin: impl Into<String>,
    ) {
        let value = Some(value.into()).filter(|value| !value.is_empty()).unwrap_or("-".into());
        self.rows.push([key.into(), value, origin.into()]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let (keys, values) = (width(0), width(1));
        for (index, [key, value, origin]) in self.rows.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{key:keys$}  {value:values$}  {origin}")?;
        }
        Ok(())
    }
}
