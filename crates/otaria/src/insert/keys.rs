//! Keys of 0, which a server takes for the wish to have the next number.

use otaria_arrow::arrow::datatypes::Schema;
use otaria_connection::{CallLimit, Error};

use super::place::Place;

/// How a key of 0 in an `AUTO_INCREMENT` column stays one: by `NO_AUTO_VALUE_ON_ZERO` in the `sql_mode` of
/// the statement that inserts. That of the session is not touched, for a future that is dropped could
/// not put it back.
pub(super) enum ZeroKeys {
    /// There is no such column among those of the batches.
    None,
    /// By a statement that is run in another mode, as MariaDB has them.
    SetStatement,
    /// By a hint that names the whole mode, as MySQL has them from 8.0 on. `LOAD DATA` takes none.
    Hint { sql_mode: String },
}

impl ZeroKeys {
    /// `column` is the table's column of such keys.
    pub(super) async fn find<P: Place>(
        place: &mut P,
        call: CallLimit,
        schema: &Schema,
        column: Option<&str>,
    ) -> Result<Self, Error> {
        let name = column.map(str::to_lowercase);
        let has_name = |field: &str| Some(field.to_lowercase()) == name;
        if !schema.fields().iter().any(|field| has_name(field.name())) {
            return Ok(Self::None);
        }
        let version = place.version();
        if version.is_some_and(|version| version.is_mariadb) {
            return Ok(Self::SetStatement);
        }
        if version.is_none_or(|version| version.major < FIRST_WITH_HINTS) {
            return Ok(Self::None);
        }
        let mut rows = place.ask(call, "SELECT @@sql_mode").await?;
        let mode = rows.next().await?.map(|row| row.get(0)).transpose()?;
        rows.finish().await?;
        let sql_mode: String = mode.unwrap_or_default();
        Ok(Self::Hint { sql_mode })
    }

    /// Whether a statement of `LOAD DATA` can keep them.
    pub(super) const fn allow_load_data(&self) -> bool {
        !matches!(self, Self::Hint { .. })
    }

    /// The statement that does what `sql` does, and keeps them.
    pub(super) fn kept_by(&self, sql: String) -> String {
        match self {
            Self::None => sql,
            Self::SetStatement => format!(
                "SET STATEMENT sql_mode = CONCAT(@@sql_mode, ',{NO_AUTO_VALUE_ON_ZERO}') FOR {sql}"
            ),
            Self::Hint { sql_mode } => match sql.split_once(' ') {
                Some((verb, rest)) => format!(
                    "{verb} /*+ SET_VAR(sql_mode = '{sql_mode},{NO_AUTO_VALUE_ON_ZERO}') */ {rest}"
                ),
                None => sql,
            },
        }
    }
}

const NO_AUTO_VALUE_ON_ZERO: &str = "NO_AUTO_VALUE_ON_ZERO";

/// Of MySQL.
const FIRST_WITH_HINTS: u32 = 8;
