//! Text = binary = Arrow, on tables of random columns of every type with random values.

mod column;
mod comparison;
mod expected;
mod geometry;

use std::cell::RefCell;
use std::env;

use otaria::Connection;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use protocol_tests::chaos::seed;
use protocol_tests::live::{self, Schema};
use tokio::runtime::Runtime;

use super::types::connected;
use crate::values::protocols::{VARIANTS, connect_without};
use column::{Column, column};
use comparison::{Options, compare, options};

/// What one case is about.
#[derive(Clone, Debug)]
struct Table {
    columns: Vec<Column>,
    rows: usize,
    options: Options,
    /// Which of the connections reads it: each has negotiated something else.
    connection: usize,
}

impl Table {
    /// The statements that make the table `random`. The order of its rows is that of their numbers.
    fn statements(&self) -> Vec<String> {
        let columns = self.columns.iter().enumerate();
        let columns =
            columns.map(|(number, column)| format!(", c{number} {}", column.declaration()));
        let create = format!(
            "CREATE OR REPLACE TEMPORARY TABLE random (place INT PRIMARY KEY{}) ENGINE = InnoDB",
            columns.collect::<String>()
        );
        let rows = (0..self.rows).map(|row| {
            let cells = self.columns.iter().map(|column| column.literal(row));
            let cells: Vec<&str> = cells.collect();
            format!("INSERT INTO random VALUES ({row}, {})", cells.join(", "))
        });
        [create].into_iter().chain(rows).collect()
    }
}

fn table(connections: usize) -> impl Strategy<Value = Table> {
    let shape = (1..=MAX_COLUMNS, 0..=MAX_ROWS, 0..connections);
    shape.prop_flat_map(|(columns, rows, connection)| {
        (proptest::collection::vec(column(rows), columns), options()).prop_map(
            move |(columns, options)| Table {
                columns,
                rows,
                options,
                connection,
            },
        )
    })
}

/// Connections that have negotiated more and less, to a schema of their own.
struct Server {
    runtime: Runtime,
    connections: RefCell<Vec<Connection>>,
    _schema: Schema<'static>,
}

impl Server {
    fn start() -> Self {
        let schema = live::shared().schema("random_tables").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let connections = runtime.block_on(async {
            let mut connections = vec![connected(schema.name()).await];
            for without in VARIANTS {
                let mut connection = connect_without(schema.name(), without).await;
                connection.simple_execute(SESSION).await.unwrap();
                connections.push(connection);
            }
            connections
        });
        Self {
            runtime,
            connections: RefCell::new(connections),
            _schema: schema,
        }
    }

    fn check(&self, table: &Table) -> Result<(), String> {
        let connection = &mut self.connections.borrow_mut()[table.connection];
        self.runtime.block_on(async {
            connection.simple_execute(SESSION).await.unwrap();
            for sql in table.statements() {
                let executed = connection.simple_execute(&sql).await;
                executed.map_err(|error| format!("{error}: {sql}"))?;
            }
            compare(connection, table).await
        })
    }
}

#[test]
fn text_binary_and_arrow_are_equal_on_random_tables_of_random_types() {
    let server = Server::start();
    let connections = server.connections.borrow().len();
    let config = Config {
        cases: cases(),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, random);
    let result = runner.run(&table(connections), |table| {
        let equal = server.check(&table);
        equal.map_err(|reason| {
            TestCaseError::fail(format!("{reason}\n{}", table.statements().join(";\n")))
        })
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// How many tables there are to be: `OTARIA_TABLES`, or a few.
fn cases() -> u32 {
    match env::var("OTARIA_TABLES") {
        Ok(number) if !number.is_empty() => number.parse().expect("a number of tables"),
        _ => 40,
    }
}

/// All values are taken, and the zone of points in time is known.
const SESSION: &str = "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'";

const MAX_COLUMNS: usize = 12;
const MAX_ROWS: usize = 20;
