//! Plans of parts, made over a server that is cut.

use otaria::{
    Config, Connection, PartitionDepth, PartitionError, PartitionOptions, PartitionPlan,
    PartitionSource, Pool, PoolPartitions,
};
use otaria_codec::{ColumnCount, ColumnDefinition, ErrPacket, FieldType};
use otaria_text::TextRowPacket;
use protocol_tests::pipe::{Cut, Pipe};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{Reply, Script};

use crate::{next_query_is_whole, rows_end, script};

/// A result of columns of these names and types.
fn table(columns: &[(&str, FieldType)], rows: &[&[&str]]) -> Reply {
    let count = ColumnCount {
        columns: u16::try_from(columns.len()).unwrap(),
        metadata_follows: true,
    };
    let head = columns
        .iter()
        .fold(Reply::new().packet(&count), |reply, (name, field_type)| {
            reply.packet(&ColumnDefinition::new(name, *field_type).with_collation(45))
        });
    let rows = rows.iter().fold(head, |reply, row| {
        reply.packet(&TextRowPacket::of(row.iter().copied()))
    });
    rows.packet(&rows_end())
}

/// What the server says of a table `shop.item` with keys from 1 to 8000, of which half are below 1000.
fn answer(sql: &str) -> Option<Reply> {
    use FieldType::{LongLong, VarString};
    Some(if sql.contains("DATABASE()") {
        table(&[("database", VarString)], &[&["shop"]])
    } else if sql.contains("information_schema.COLUMNS") {
        let columns = [
            ("name", VarString),
            ("data_type", VarString),
            ("column_type", VarString),
            ("is_never_null", LongLong),
            ("has_estimates", LongLong),
        ];
        table(&columns, &[&["id", "bigint", "bigint(20)", "1", "1"]])
    } else if sql.contains("information_schema.STATISTICS") {
        let columns = [
            ("index", VarString),
            ("name", VarString),
            ("values", LongLong),
        ];
        table(&columns, &[&["PRIMARY", "id", "8000"]])
    } else if sql.contains("MIN(") {
        table(
            &[("first", LongLong), ("last", LongLong)],
            &[&["1", "8000"]],
        )
    } else if sql.starts_with("EXPLAIN") {
        explained(sql)
    } else if sql.ends_with("LIMIT 0") {
        table(&[("id", LongLong)], &[])
    } else {
        return None;
    })
}

/// An estimate for each range that is asked for.
fn explained(sql: &str) -> Reply {
    let ranges: Vec<(String, String)> = sql
        .split(" UNION ALL ")
        .zip(1..)
        .map(|(range, id)| {
            let number = |sign| {
                let (_, rest) = range.split_once(sign).expect("a range");
                let digits = rest.split(|character: char| !character.is_ascii_digit());
                digits.clone().next().unwrap().parse::<u64>().unwrap()
            };
            let (first, last) = (number(">= "), number("<= "));
            let dense = last.min(1000).saturating_sub(first.min(1000));
            let rows = dense * 7 + (last - first);
            (id.to_string(), rows.to_string())
        })
        .collect();
    let rows: Vec<[&str; 3]> = ranges
        .iter()
        .map(|(id, rows)| [id.as_str(), "range", rows.as_str()])
        .collect();
    let rows: Vec<&[&str]> = rows.iter().map(|row| &row[..]).collect();
    let columns = [
        ("id", FieldType::LongLong),
        ("type", FieldType::VarString),
        ("rows", FieldType::LongLong),
    ];
    table(&columns, &rows)
}

/// A server that knows a table, and refuses what it is asked for by `refused`.
fn server(refused: &'static str) -> Script {
    script()
        .answer(move |payload| {
            let sql = std::str::from_utf8(payload.strip_prefix(&[3])?).ok()?;
            if !refused.is_empty() && sql.contains(refused) {
                let refusal = ErrPacket {
                    code: 1142,
                    sqlstate: Some(*b"42000"),
                    message: b"denied",
                };
                return Some(Reply::new().packet(&refusal));
            }
            answer(sql)
        })
        .answer(|_| Some(Reply::ok()))
}

fn pool_of(refused: &'static str, cut: Cut) -> Pool {
    let config = Config::builder().server_prepared_statements(false);
    Pool::builder(config.build().unwrap())
        .max_size(1)
        .connect_with(move |config| {
            let cut = cut.clone();
            async move {
                let pipe = Pipe::new(server(refused), Cut::Whole);
                let handle = pipe.handle();
                let connection = Connection::connect_over(pipe, &config).await?;
                handle.set_cut(cut);
                Ok(connection)
            }
        })
        .build()
}

async fn plan(pool: &Pool) -> Result<PartitionPlan, PartitionError> {
    let source = PartitionSource::table("item").with_columns(["id"]);
    pool.plan_partitions(&source, &PartitionOptions::new(4))
        .await
}

#[tokio::test(start_paused = true)]
async fn planning_dropped_at_every_poll_gives_its_connection_back_whole() {
    let pool = pool_of("", Cut::Every(40));
    let polls = at_every_poll(async |polls| {
        let planned = poll_times(plan(&pool), polls).await;
        if let Some(planned) = &planned {
            let planned = planned.as_ref().unwrap();
            assert_eq!(
                (planned.key(), planned.index()),
                (Some("id"), Some("PRIMARY"))
            );
            assert_eq!(planned.depth(), PartitionDepth::Even);
            assert_eq!(planned.partitions().len(), 4);
        }
        next_query_is_whole(&mut pool.get().await.unwrap()).await;
        planned.is_some()
    })
    .await;
    assert!(polls > 50, "{polls}");
    assert_eq!((pool.status().size, pool.status().broken), (1, 0));
}

#[tokio::test]
async fn a_plan_without_estimates_has_parts_of_even_width() {
    let pool = pool_of("EXPLAIN", Cut::Every(3));
    let planned = plan(&pool).await.unwrap();
    assert_eq!(
        (planned.depth(), planned.estimates()),
        (PartitionDepth::EvenWidth, 0)
    );
    assert_eq!(planned.partitions().len(), 4);
    next_query_is_whole(&mut pool.get().await.unwrap()).await;
}

#[tokio::test]
async fn what_the_server_refuses_in_a_plan_is_the_error_and_the_connection_comes_back() {
    for refused in ["DATABASE()", "COLUMNS", "STATISTICS", "MIN(", "LIMIT 0"] {
        let pool = pool_of(refused, Cut::Every(3));
        let error = plan(&pool).await.unwrap_err();
        assert!(
            matches!(&error, PartitionError::Driver(otaria::Error::Server(error)) if error.code() == 1142),
            "{refused}: {error}"
        );
        next_query_is_whole(&mut pool.get().await.unwrap()).await;
        assert_eq!((pool.status().size, pool.status().broken), (1, 0));
    }
}
