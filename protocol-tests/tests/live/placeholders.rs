//! The count of placeholders beside the server's own, over random statements.

use fastrand::Rng;
use otaria_statement::count_placeholders;
use protocol_tests::{chaos, live};

use crate::beside::Beside;

const MODES: [&str; 6] = [
    "",
    "NO_BACKSLASH_ESCAPES",
    "ANSI_QUOTES",
    "ANSI_QUOTES,NO_BACKSLASH_ESCAPES",
    "ORACLE",
    "MSSQL",
];

#[tokio::test]
async fn placeholders_never_a_wrong_count_in_random_statements() {
    let mut random = Rng::with_seed(chaos::seed());
    let mut beside = Beside::connect("").await;
    let (mut taken, mut certain) = (0, 0);
    let modes = MODES.iter().filter(|mode| live::shared().has_modes(mode));
    for mode in modes.cycle().take(48) {
        let sql = format!("SET sql_mode = '{mode}'");
        beside.connection.simple_execute(&sql).await.unwrap();
        for _ in 0..200 {
            let sql = statement(&mut random);
            let Some(servers) = beside.placeholders(&sql) else {
                continue;
            };
            taken += 1;
            if let Some(ours) = count_placeholders(&sql) {
                assert_eq!(ours, servers, "{mode}: {sql}");
                certain += 1;
            }
        }
    }
    println!("{taken} of 9600 statements are SQL, the number is certain in {certain}");
    assert!(certain > 800 && taken > certain, "{taken} {certain}");
}

#[tokio::test]
async fn placeholders_of_a_common_table_expression_used_twice_are_counted_once() {
    let mut beside = Beside::connect("").await;
    let sql = "WITH c AS (SELECT ? AS a) SELECT * FROM c, c AS d WHERE d.a = ?";
    assert_eq!(beside.placeholders(sql), Some(2));
    assert_eq!(count_placeholders(sql), Some(2));
}

/// Expressions between operators, strings, names and comments, at the edges of what is SQL.
fn statement(random: &mut Rng) -> String {
    let mut sql = "SELECT".to_owned();
    for index in 0..random.usize(1..4) {
        sql += if index == 0 { " " } else { "," };
        for term in 0..random.usize(1..4) {
            if term > 0 {
                sql += one_of(random, &OPERATORS);
            }
            sql += &gap(random);
            sql += &operand(random);
            sql += &gap(random);
        }
        if random.u8(..) < 60 {
            sql += " AS ";
            sql += &quoted(random);
        }
    }
    if random.u8(..) < 30 {
        sql += one_of(random, &["; -- ?", " --", " #", ";", " -- '", " /* ", " '"]);
    }
    sql
}

fn operand(random: &mut Rng) -> String {
    match random.u8(0..10) {
        0..=3 => "?".to_owned(),
        4..=6 => quoted(random),
        _ => one_of(random, &OPERANDS).to_owned(),
    }
}

/// A string or a name, or nearly one.
fn quoted(random: &mut Rng) -> String {
    let quote = one_of(random, &["'", "'", "\"", "`"]);
    let content: String = (0..random.usize(0..5))
        .map(|_| one_of(random, &CONTENT))
        .collect();
    let doubled = content.replace(quote, &quote.repeat(2));
    let content = if random.u8(..) < 200 {
        doubled
    } else {
        content
    };
    format!("{quote}{content}{quote}")
}

fn gap(random: &mut Rng) -> String {
    match random.u8(0..8) {
        0..=3 => String::new(),
        4 | 5 => " ".to_owned(),
        6 => {
            let opening = one_of(
                random,
                &["/*", "/*", "/* ", "/*!", "/*M!", "/*+", "/*!999999 "],
            );
            let content = one_of(random, &CONTENT);
            format!("{opening}{content}*/")
        }
        _ => {
            let opening = one_of(random, &["--", "-- ", "--\t", "---", "--- ", "#"]);
            let content = one_of(random, &CONTENT);
            format!("{opening}{content}\n")
        }
    }
}

fn one_of<'a>(random: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[random.usize(..choices.len())]
}

const OPERATORS: [&str; 12] = [
    "+", "-", "--", "---", "-- ", "*", "/", "*/**/", " AND ", "=", "<", "||",
];
const OPERANDS: [&str; 22] = [
    "1",
    "1.5",
    "1.5e3",
    "1.5e-",
    "1.e+",
    ".5e",
    "1e-2",
    "1e",
    "0x3f",
    "x'3f'",
    "N'?'",
    "\\N",
    "@a",
    "@a:=?",
    "@`?`",
    "@'?'",
    ":a",
    "_utf8mb4'?'",
    "(?)",
    "NULL",
    "1 AS [?]",
    "1 AS ['?]",
];
const CONTENT: [&str; 16] = [
    "?", "'", "\"", "`", "\\", "\\\\", "\\'", "a", " ", "é", "-- ", "#", "/*", "*", ":", "\n",
];
