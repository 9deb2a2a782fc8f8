//! Columns that the server calls NOT NULL, and NULLs in them.

use otaria::arrow::array::Array;
use otaria::{ArrowOptions, CellReason, Connection, DecodeError, Nullability, RecordBatchError};
use protocol_tests::live::{self, Schema};

use super::{PROTOCOLS, read};
use crate::connect;

const TABLES: &str =
    "CREATE TABLE a (id INT NOT NULL PRIMARY KEY, k VARCHAR(5) NOT NULL, n INT NOT NULL);
    INSERT INTO a VALUES (1, 'x', 10), (2, 'x', 20), (3, 'y', 30);
    CREATE TABLE b (id INT NOT NULL, d DATE NOT NULL, v DECIMAL(5,2) NOT NULL);
    INSERT INTO b VALUES (1, '2024-02-29', 1.5);
    CREATE VIEW rolled AS SELECT k, SUM(n) AS s FROM a GROUP BY k WITH ROLLUP;
    CREATE VIEW joined AS SELECT a.id, b.d, b.v FROM a LEFT JOIN b USING (id);
    CREATE FUNCTION nothing() RETURNS INT RETURN NULL";

/// Queries that give NULL for what is NOT NULL in the table.
const QUERIES: &[&str] = &[
    "SELECT b.id, b.d, b.v FROM a LEFT JOIN b USING (id)",
    "SELECT b.id, b.d FROM b RIGHT JOIN a USING (id)",
    "SELECT d, v FROM joined",
    "SELECT x.d FROM a LEFT JOIN (SELECT * FROM b) AS x USING (id)",
    "SELECT x.c FROM a LEFT JOIN (SELECT id, 7 AS c FROM b) AS x USING (id)",
    "SELECT x.c FROM a LEFT JOIN (SELECT id, COUNT(*) AS c FROM b GROUP BY id) AS x USING (id)",
    "SELECT n FROM a UNION ALL SELECT NULL",
    "SELECT NULL AS n UNION ALL SELECT n FROM a",
    "SELECT MIN(n), MAX(k), SUM(n), AVG(n), MIN(id) FROM a WHERE id > 99",
    "SELECT (SELECT n FROM a WHERE id > 99) AS n",
    "SELECT LAG(n) OVER (ORDER BY id), LEAD(k) OVER (ORDER BY id), FIRST_VALUE(n) OVER \
     (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 PRECEDING) FROM a",
    "SELECT NTH_VALUE(n, 9) OVER (ORDER BY id), SUM(n) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING \
     AND 2 PRECEDING) FROM a",
    "SELECT NULLIF(n, 10), IF(id > 1, n, NULL), CASE WHEN id > 1 THEN n END, n / 0, n % 0 FROM a",
    "SELECT ELT(9, k), FIELD(k, 'x'), CONCAT(k, NULL), CAST('x' AS DATE), STR_TO_DATE(k, '%Y') FROM a",
    "SELECT DATE_ADD(d, INTERVAL 9999999 DAY), MAKEDATE(2024, 0), UNIX_TIMESTAMP('x'), TIMEDIFF(d, 'x') FROM b",
    "SELECT REGEXP_SUBSTR(k, 'z'), INET_ATON(k), UNHEX(k), JSON_VALUE(k, '$'), FROM_UNIXTIME(-1) FROM a",
    "SELECT nothing(), GREATEST(n, NULL), LOG(-n), SQRT(-n), ASIN(n), CRC32(NULL), CHAR_LENGTH(NULL) FROM a",
    "WITH RECURSIVE r AS (SELECT id, n FROM a WHERE id = 1 UNION ALL SELECT id + 1, NULL FROM r WHERE id < 3) SELECT * FROM r",
    "SELECT j.x FROM JSON_TABLE('[{\"x\":1},{}]', '$[*]' COLUMNS (x INT PATH '$.x')) AS j",
    "SELECT COALESCE(b.v, NULL), IFNULL(b.id, NULL), v FROM a LEFT JOIN b USING (id)",
    "SELECT a.n FROM b LEFT JOIN a ON a.id = b.id + 9",
    "SELECT COUNT(*), BIT_AND(n), GROUP_CONCAT(k), STD(n), VARIANCE(n), JSON_ARRAYAGG(n) FROM a WHERE id > 99",
    "SELECT n INTO @n FROM a WHERE id = 1",
    "SELECT @n, @none, @n := NULL, LAST_INSERT_ID(NULL), DATABASE(), @@init_connect",
    "SELECT d, v, id FROM b NATURAL RIGHT JOIN a",
    "SELECT k, SUM(n) FROM a GROUP BY k WITH ROLLUP",
    "SELECT id, k, COUNT(*) FROM a GROUP BY id, k WITH ROLLUP",
    "SELECT k AS alias, UPPER(k), id + 1 FROM a GROUP BY alias, id + 1 WITH ROLLUP",
    "SELECT * FROM rolled",
    "SELECT k FROM (SELECT k, SUM(n) FROM a GROUP BY k WITH ROLLUP) AS x",
    "SELECT DISTINCT k FROM a GROUP BY k WITH ROLLUP",
    "SELECT k FROM a GROUP BY k WITH ROLLUP UNION SELECT k FROM a",
    "SELECT YEAR(d), COUNT(*) FROM b GROUP BY YEAR(d) WITH ROLLUP",
    "SELECT d, COUNT(*) FROM b GROUP BY d WITH ROLLUP",
    "SHOW COLUMNS FROM a",
    "SHOW TABLE STATUS",
    "SHOW PROCESSLIST",
    "SHOW INDEX FROM a",
    "EXPLAIN SELECT * FROM a",
    "SELECT * FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.PROCESSLIST",
    GLOBAL_PRIV,
];

/// A table that MySQL has not got.
const GLOBAL_PRIV: &str = "SELECT * FROM mysql.global_priv LIMIT 5";

/// Those of them for which NULL comes though the server says that the column of a table is NOT NULL.
const LIES: [&str; 4] = [
    "SELECT k, SUM(n) FROM a GROUP BY k WITH ROLLUP",
    "SELECT id, k, COUNT(*) FROM a GROUP BY id, k WITH ROLLUP",
    "SELECT k AS alias, UPPER(k), id + 1 FROM a GROUP BY alias, id + 1 WITH ROLLUP",
    "SELECT d, COUNT(*) FROM b GROUP BY d WITH ROLLUP",
];

/// Those that the server knows.
fn queries() -> impl Iterator<Item = &'static str> {
    let is_mysql = live::shared().is_mysql();
    let queries = QUERIES.iter().copied();
    queries.filter(move |sql| !is_mysql || *sql != GLOBAL_PRIV)
}

/// MySQL tells the truth.
fn is_lie(sql: &str) -> bool {
    !live::shared().is_mysql() && LIES.contains(&sql)
}

async fn connected(schema: &Schema<'_>) -> Connection {
    schema.sql(TABLES).unwrap();
    connect(schema.name()).await
}

#[tokio::test]
async fn a_null_where_the_server_says_not_null_is_taken_by_default() {
    let schema = live::shared().schema("nullability").unwrap();
    let mut connection = connected(&schema).await;
    for sql in queries() {
        for protocol in PROTOCOLS {
            let options = ArrowOptions::default();
            let (batch, _) = read(&mut connection, sql, (protocol, &options))
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
            let columns = batch.columns().iter();
            let nulls: usize = columns.map(Array::null_count).sum();
            assert!(nulls > 0 || !is_lie(sql), "{sql}");
        }
    }
}

#[tokio::test]
async fn as_declared_only_columns_of_a_rollup_are_an_error_that_says_what_to_do() {
    let schema = live::shared().schema("nullability").unwrap();
    let mut connection = connected(&schema).await;
    let declared = ArrowOptions::default().with_nullability(Nullability::Declared);
    for sql in queries() {
        for protocol in PROTOCOLS {
            match read(&mut connection, sql, (protocol, &declared)).await {
                Ok(_) => assert!(!is_lie(sql), "{sql}"),
                Err(error) => {
                    assert!(is_lie(sql), "{sql}: {error}");
                    let text = error.to_string();
                    assert!(text.contains("Nullability::All"), "{text}");
                    let RecordBatchError::Decode(DecodeError::Cell { reason, .. }) = error else {
                        panic!("{sql}: {error:?}");
                    };
                    assert_eq!(reason, CellReason::NotNull);
                }
            }
        }
    }
    let (batch, _) = read(
        &mut connection,
        "SELECT * FROM a",
        (PROTOCOLS[1], &declared),
    )
    .await
    .unwrap();
    let schema = batch.schema();
    assert!(schema.fields().iter().all(|field| !field.is_nullable()));
}
