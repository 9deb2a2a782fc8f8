//! The examples of MariaDB's own documentation, which the server carries in `mysql.help_topic`: what
//! they return by text, by binary and as Arrow is what the server's command-line client prints. Tables
//! are made as temporary ones, which costs the server no write to its disk.

mod answer;
#[path = "../live/arrow/cells.rs"]
#[expect(
    dead_code,
    reason = "typed rows are shown by their columns, and not by the fields of batches"
)]
mod cells;
mod client;
mod examples;
mod left_out;
mod ways;

use std::collections::BTreeMap;
use std::time::Instant;

use otaria::{Config, Connection};
use protocol_tests::live;

use answer::{Answer, difference};
use client::by_client;
use examples::statements;
use ways::{Sessions, WAYS, Way};

/// The examples of a topic, in their order: later ones rest on tables and variables of those before.
#[derive(Debug)]
pub struct Topic {
    name: String,
    statements: Vec<String>,
}

/// What is known in the end.
#[derive(Debug, Default)]
struct Report {
    /// The statements that ran, those that the server refuses included.
    ran: usize,
    refused: usize,
    cells: usize,
    /// Why how many were left out.
    left_out: BTreeMap<&'static str, usize>,
    differences: Vec<String>,
}

#[tokio::test]
async fn what_the_documentation_shows_is_the_same_by_text_binary_and_arrow_as_the_client_prints() {
    let start = Instant::now();
    let schema = live::shared().schema("documentation").unwrap();
    let mut control = connect("").await;
    let mut report = Report::default();
    let topics = topics(&mut control, &mut report).await;
    let mut sessions = Sessions::start(schema.name()).await;
    for topic in &topics {
        clear(&mut control, schema.name(), topic).await;
        let printed = by_client(&schema, topic);
        let mut answers = Vec::new();
        for way in WAYS {
            clear(&mut control, schema.name(), topic).await;
            answers.push((way, sessions.run(way, topic).await));
        }
        let mut differences = report.note(topic, &printed, &answers);
        if !differences.is_empty() {
            // What is another one each time is nobody's fault.
            clear(&mut control, schema.name(), topic).await;
            let again = by_client(&schema, topic);
            differences.retain(|(number, _)| {
                let is_stable = difference(&printed[*number], &again[*number]).is_none();
                report.leave_out("another answer each time", usize::from(!is_stable));
                is_stable
            });
        }
        clear(&mut control, schema.name(), topic).await;
        let differences = differences.into_iter().map(|found| found.1);
        report.differences.extend(differences);
    }
    let Report {
        ran,
        refused,
        cells,
        left_out,
        differences,
    } = &report;
    println!(
        "MariaDB {}: {} topics, {ran} statements ran {} ways, {refused} of them refused alike; \
         {cells} cells compared in {:?}; left out: {left_out:?}",
        live::shared().version(),
        topics.len(),
        WAYS.len() + 1,
        start.elapsed()
    );
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert!(*ran >= LEAST_STATEMENTS, "{ran} statements");
}

async fn connect(database: &str) -> Connection {
    let config: Config = live::shared().url(database).parse().unwrap();
    Connection::connect(&config).await.unwrap()
}

/// What the server has of its documentation.
async fn topics(control: &mut Connection, report: &mut Report) -> Vec<Topic> {
    let sql = "SELECT name, CONCAT_WS('\n', description, example) FROM mysql.help_topic \
        ORDER BY help_topic_id";
    let pages: Vec<(String, String)> = control.query_all(sql, ()).await.unwrap();
    let mut topics = Vec::new();
    for (name, text) in pages {
        let mut statements = statements(&text);
        statements.retain(|sql| match left_out::reason(sql) {
            Some(reason) => {
                report.leave_out(reason, 1);
                false
            }
            None => true,
        });
        if !statements.is_empty() {
            let statements = statements.into_iter().map(temporary).collect();
            topics.push(Topic { name, statements });
        }
    }
    topics
}

/// A statement that makes a temporary table, if it makes one.
fn temporary(sql: String) -> String {
    const CREATE: &str = "CREATE TABLE";
    match sql.split_at_checked(CREATE.len()) {
        Some((create, rest)) if create.eq_ignore_ascii_case(CREATE) => {
            format!("CREATE TEMPORARY TABLE{rest}")
        }
        _ => sql,
    }
}

/// Makes the schema anew if the topic makes anything in it that outlives a session.
async fn clear(control: &mut Connection, schema: &str, topic: &Topic) {
    let makes = |sql: &String| {
        let sql = sql.to_ascii_uppercase();
        sql.contains("CREATE ") && !sql.starts_with("CREATE TEMPORARY TABLE")
    };
    if topic.statements.iter().any(makes) {
        for sql in [
            format!("DROP SCHEMA IF EXISTS {schema}"),
            format!("CREATE SCHEMA {schema} CHARACTER SET utf8mb4"),
        ] {
            control.simple_execute(&sql).await.unwrap();
        }
    }
}

impl Report {
    fn leave_out(&mut self, reason: &'static str, statements: usize) {
        if statements > 0 {
            *self.left_out.entry(reason).or_default() += statements;
        }
    }

    /// Counts, and returns what differs, with the number of the statement.
    fn note(
        &mut self,
        topic: &Topic,
        printed: &[Answer],
        answers: &[(Way, Vec<Answer>)],
    ) -> Vec<(usize, String)> {
        let mut differences = Vec::new();
        for (number, sql) in topic.statements.iter().enumerate() {
            let expected = &printed[number];
            self.ran += 1;
            self.refused += usize::from(expected.error.is_some());
            self.cells += expected.cells();
            for (way, answers) in answers {
                if let Some(what) = difference(expected, &answers[number]) {
                    let name = &topic.name;
                    differences.push((number, format!("{name}, {way:?}: {what}\n    {sql}")));
                    break;
                }
            }
        }
        differences
    }
}

/// How many there are to be at least: a server without its documentation proves nothing.
const LEAST_STATEMENTS: usize = 1_000;
