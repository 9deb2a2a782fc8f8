//! How many rows there are between two keys, by the server's estimates.

use otaria_arrow::partition::{DensitySearch, NullKeys, PartitionKey, PartitionSource};
use otaria_connection::{Connection, Error};
use otaria_types::ValueRef;

use super::PartitionError;

/// What the estimates have led to.
pub(super) struct Density {
    pub(super) search: DensitySearch,
    /// How many rows have NULL as their key.
    nulls: u64,
    pub(super) estimates: usize,
}

impl Density {
    /// Rows whose key is NULL get a part of their own where they would make the first one half as
    /// big again.
    pub(super) fn nulls_for(&self, parts: usize) -> NullKeys {
        let parts = u64::try_from(parts).unwrap_or(u64::MAX);
        if self.nulls.saturating_mul(2) > self.search.rows() / parts.max(1) {
            NullKeys::OwnPart
        } else {
            NullKeys::FirstPart
        }
    }
}

/// Asks until it is known where the keys are dense; `None` if the server has no estimates, as for a
/// view.
pub(super) async fn search(
    connection: &mut Connection,
    source: &PartitionSource,
    (key, index): (&PartitionKey, &str),
    mut search: DensitySearch,
) -> Result<Option<Density>, PartitionError> {
    let mut estimates = 0;
    loop {
        let ranges: Vec<_> = search.ranges().collect();
        if ranges.is_empty() {
            break;
        }
        let mut rows = Vec::with_capacity(ranges.len());
        for chunk in ranges.chunks(RANGES_PER_STATEMENT) {
            let sql = source.density_sql((key, index), chunk.iter().cloned(), false)?;
            let Some(found) = estimated(connection, &sql, chunk.len()).await? else {
                return Ok(None);
            };
            rows.extend(found);
        }
        estimates += rows.len();
        search.refine(rows);
    }
    let nulls = if key.nulls() == NullKeys::Never {
        0
    } else {
        estimates += 1;
        let sql = source.density_sql((key, index), [], true)?;
        let found = estimated(connection, &sql, 1).await?;
        found.and_then(|rows| rows.first().copied()).unwrap_or(0)
    };
    Ok(Some(Density {
        search,
        nulls,
        estimates,
    }))
}

/// The estimates of a statement, or `None` if the server refuses it, returns something else than a
/// row for each, or uses no index.
async fn estimated(
    connection: &mut Connection,
    sql: &str,
    count: usize,
) -> Result<Option<Vec<u64>>, Error> {
    let mut rows = match connection.simple_query(sql).await {
        Ok(rows) => rows,
        Err(Error::Server(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut estimates = vec![None; count];
    while let Some(row) = rows.next().await? {
        let number: Option<u64> = row.get("id")?;
        // What puts the results together has no number.
        let Some(number) = number else { continue };
        let place = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
        if place.is_some_and(|place| place >= count) {
            continue;
        }
        let Some(place @ None) = place.and_then(|place| estimates.get_mut(place)) else {
            return Ok(None);
        };
        let access: Option<&str> = row.get("type")?;
        if access == Some("ALL") {
            return Ok(None);
        }
        let Some(rows) = number_of_rows(row.get("rows")?) else {
            return Ok(None);
        };
        *place = Some(rows);
    }
    Ok(estimates.into_iter().collect())
}

/// NULL where it is certain that there are none. Servers send it as text, or as a number.
fn number_of_rows(rows: ValueRef<'_>) -> Option<u64> {
    match rows {
        ValueRef::Null => Some(0),
        ValueRef::UInt(rows) => Some(rows),
        ValueRef::Int(rows) => u64::try_from(rows).ok(),
        ValueRef::Text(rows) => rows.parse().ok(),
        _ => None,
    }
}

/// A few kilobytes of SQL, a few milliseconds.
const RANGES_PER_STATEMENT: usize = 64;
