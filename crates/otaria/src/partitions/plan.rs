use otaria_arrow::partition::{
    DensitySearch, KeyBoundaries, NullKeys, PartitionKey, PartitionSource,
};
use otaria_connection::{ColumnDefinition, Connection, FieldType};
use otaria_types::ValueRef;

use super::catalog::{KeyColumn, key_column, with_database};
use super::{PartitionDepth, PartitionError, PartitionOptions, PartitionPlan, density};

pub(super) async fn plan(
    connection: &mut Connection,
    source: PartitionSource,
    options: &PartitionOptions,
) -> Result<PartitionPlan, PartitionError> {
    let source = with_database(connection, source).await?;
    let mut plan = if options.parts > 1 {
        split(connection, &source, options).await?
    } else {
        PartitionPlan {
            partitions: vec![source.whole()?],
            key: None,
            index: None,
            depth: options.depth,
            estimates: 0,
        }
    };
    let rows = connection.query(&source.columns_sql()?, ()).await?;
    let columns = rows.columns();
    let partitions = plan.partitions.into_iter();
    plan.partitions = partitions.map(|part| part.with_columns(columns)).collect();
    rows.finish().await?;
    Ok(plan)
}

async fn split(
    connection: &mut Connection,
    source: &PartitionSource,
    options: &PartitionOptions,
) -> Result<PartitionPlan, PartitionError> {
    let column = match source.table_name() {
        // A table has been given the database by now, if there is one.
        Some((database, table)) => {
            key_column(connection, (database.unwrap_or_default(), table), options).await?
        }
        None => KeyColumn {
            name: options.key.clone().ok_or(PartitionError::NoKey)?,
            is_never_null: false,
            index: None,
            has_estimates: false,
        },
    };
    let key = PartitionKey::new(&column.name);
    let key = key.with_nulls(match options.nulls {
        Some(nulls) => nulls,
        None if column.is_never_null => NullKeys::Never,
        None => NullKeys::FirstPart,
    });
    let boundaries = match key_range(connection, source, &key).await? {
        Some(range) => cut(connection, (source, &column, &key), range, options).await?,
        None => Cut::of_width(KeyBoundaries::none()),
    };
    let key = match options.nulls {
        None if !column.is_never_null => key.with_nulls(boundaries.nulls),
        _ => key,
    };
    Ok(PartitionPlan {
        partitions: source.partition_by_key(&key, &boundaries.boundaries)?,
        key: Some(column.name),
        index: column.index,
        depth: boundaries.depth,
        estimates: boundaries.estimates,
    })
}

/// Where the keys are cut, and by what.
struct Cut {
    boundaries: KeyBoundaries,
    depth: PartitionDepth,
    nulls: NullKeys,
    estimates: usize,
}

impl Cut {
    const fn of_width(boundaries: KeyBoundaries) -> Self {
        Self {
            boundaries,
            depth: PartitionDepth::EvenWidth,
            nulls: NullKeys::FirstPart,
            estimates: 0,
        }
    }
}

async fn cut(
    connection: &mut Connection,
    (source, column, key): (&PartitionSource, &KeyColumn, &PartitionKey),
    (first, last): (i128, i128),
    options: &PartitionOptions,
) -> Result<Cut, PartitionError> {
    if options.depth == PartitionDepth::Even
        && column.has_estimates
        && let Some(index) = &column.index
    {
        let search = DensitySearch::new(first, last, options.parts)?;
        if let Some(found) = density::search(connection, source, (key, index), search).await? {
            return Ok(Cut {
                boundaries: found.search.boundaries(),
                depth: PartitionDepth::Even,
                nulls: found.nulls_for(options.parts),
                estimates: found.estimates,
            });
        }
    }
    let boundaries = KeyBoundaries::even(first, last, options.parts)?;
    Ok(Cut::of_width(boundaries))
}

/// The lowest key and the highest, if there is any.
async fn key_range(
    connection: &mut Connection,
    source: &PartitionSource,
    key: &PartitionKey,
) -> Result<Option<(i128, i128)>, PartitionError> {
    let mut rows = connection.query(&source.key_range_sql(key)?, ()).await?;
    let not_an_integer = rows.columns().iter().find(|column| !is_integer(column));
    if let Some(column) = not_an_integer {
        let sql_type = format!("{:?}", column.field_type());
        rows.finish().await?;
        return Err(PartitionError::KeyType {
            column: key.column().into(),
            sql_type: sql_type.into(),
        });
    }
    let range = match rows.next().await? {
        Some(row) => {
            let (first, last): (ValueRef<'_>, ValueRef<'_>) = row.read()?;
            integer(first).zip(integer(last))
        }
        None => None,
    };
    rows.finish().await?;
    Ok(range)
}

const fn is_integer(column: &ColumnDefinition) -> bool {
    matches!(
        column.field_type(),
        FieldType::Tiny
            | FieldType::Short
            | FieldType::Int24
            | FieldType::Long
            | FieldType::LongLong
    )
}

fn integer(value: ValueRef<'_>) -> Option<i128> {
    match value {
        ValueRef::Int(value) => Some(value.into()),
        ValueRef::UInt(value) => Some(value.into()),
        _ => None,
    }
}
