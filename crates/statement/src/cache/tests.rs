use std::collections::HashSet;
use std::thread;

use proptest::prelude::*;

use super::*;

const STATUS: ServerStatus = ServerStatus::AUTOCOMMIT;

/// A cache and the server's side of its connection.
struct Connection {
    cache: StatementCache,
    open: HashSet<StatementId>,
    prepared: u32,
}

impl Connection {
    fn new(capacity: usize) -> Self {
        Self {
            cache: StatementCache::new(capacity),
            open: HashSet::new(),
            prepared: 0,
        }
    }

    fn prepare(&mut self, sql: &str) -> Statement {
        self.prepared += 1;
        let statement = StatementId(self.prepared);
        assert!(self.open.insert(statement));
        let ok = ComStmtPrepareOk {
            statement,
            columns: 0,
            parameters: 1,
            warnings: 0,
        };
        self.cache.prepared(self.cache.epoch(), sql, &ok)
    }

    /// Takes a statement from the cache or prepares it, as a query does.
    fn query(&mut self, schema: &str, sql: &str) -> Statement {
        if let Some(statement) = self.cache.get(key(schema, sql)) {
            return statement.clone();
        }
        let statement = self.prepare(sql);
        self.cache.insert(schema, STATUS, statement.clone());
        statement
    }

    /// Sends the closes that are due.
    fn close(&mut self) {
        assert_eq!(self.cache.is_close_due(), self.cache.closes_due() > 0);
        while let Some(id) = self.cache.next_close() {
            assert!(self.open.remove(&id), "{id:?} is not open");
        }
    }

    fn reset(&mut self) {
        self.cache.forget();
        self.open.clear();
    }

    /// The numbers of the statements that are open once closes are sent.
    fn open(&mut self) -> Vec<u32> {
        self.close();
        let mut open: Vec<u32> = self.open.iter().map(|id| id.0).collect();
        open.sort_unstable();
        open
    }
}

fn key<'a>(schema: &'a str, sql: &'a str) -> StatementKey<'a> {
    StatementKey {
        schema,
        sql,
        status: STATUS,
    }
}

#[test]
fn a_cached_statement_is_found_again() {
    let mut connection = Connection::new(2);
    assert_eq!(connection.query("", "a").id(), StatementId(1));
    assert_eq!(connection.query("", "b").id(), StatementId(2));
    let again = connection.query("", "a");
    assert_eq!(again.id(), StatementId(1));
    assert_eq!((&**again.sql(), again.parameters()), ("a", 1));
    assert_eq!(connection.cache.len(), 2);
}

#[test]
fn use_db2_then_the_same_sql_text_is_not_the_old_statement() {
    let mut connection = Connection::new(2);
    assert_eq!(connection.query("db1", "a").id(), StatementId(1));
    assert_eq!(connection.query("db2", "a").id(), StatementId(2));
    assert_eq!(connection.query("", "a").id(), StatementId(3));
    assert_eq!(connection.query("db2", "a").id(), StatementId(2));
    assert_eq!(connection.open(), [2, 3]);
}

#[test]
fn other_quotes_then_the_same_sql_text_is_not_the_old_statement() {
    let mut connection = Connection::new(2);
    connection.query("", "SELECT \"a\"");
    let mut key = key("", "SELECT \"a\"");
    key.status |= ServerStatus::IN_TRANS;
    assert!(connection.cache.get(key).is_some());
    key.status |= ServerStatus::ANSI_QUOTES;
    assert!(connection.cache.get(key).is_none());
}

#[test]
fn the_least_recently_used_statement_is_evicted_and_closed() {
    let mut connection = Connection::new(2);
    for sql in ["a", "b", "a", "c"] {
        connection.query("", sql);
    }
    assert_eq!(connection.open(), [1, 3]);
}

#[test]
fn a_held_statement_survives_eviction_and_is_closed_once_when_it_is_dropped() {
    let mut connection = Connection::new(1);
    let held = connection.query("", "a");
    let other_user = held.clone();
    connection.query("", "b");
    assert_eq!(connection.cache.standing(&held), Standing::Open);
    assert_eq!(connection.open(), [1, 2]);
    drop(held);
    assert_eq!(connection.open(), [1, 2]);
    drop(other_user);
    assert_eq!(connection.open(), [2]);
}

#[test]
fn two_concurrent_users_of_the_same_evicted_statement_have_one_each() {
    let mut connection = Connection::new(1);
    let first = connection.query("", "a");
    connection.query("", "b");
    let second = connection.query("", "a");
    assert_ne!(first.id(), second.id());
    drop(first);
    assert_eq!(connection.open(), [3]);
    drop(second);
    assert_eq!(connection.query("", "a").id(), StatementId(3));
}

#[test]
fn a_capacity_of_0_keeps_nothing() {
    let mut connection = Connection::new(0);
    let held = connection.query("", "a");
    assert!(connection.cache.is_empty());
    assert_eq!(connection.open(), [1]);
    drop(held);
    assert_eq!(connection.open(), []);
}

#[test]
fn a_cancelled_prepare_leaves_nothing_open() {
    let mut connection = Connection::new(1);
    drop(connection.prepare("a"));
    assert_eq!(connection.open(), []);
}

#[test]
fn a_statement_prepared_beside_the_cached_one_takes_its_place() {
    let mut connection = Connection::new(2);
    connection.query("", "a");
    let newer = connection.prepare("a");
    let older = connection.cache.insert("", STATUS, newer);
    assert_eq!(older.map(|older| older.id()), Some(StatementId(1)));
    assert_eq!(connection.cache.len(), 1);
    assert_eq!(connection.open(), [2]);
}

#[test]
fn a_removed_statement_is_closed() {
    let mut connection = Connection::new(2);
    connection.query("", "a");
    connection.query("db", "a");
    let removed = connection.cache.remove(key("", "a"));
    assert_eq!(removed.map(|removed| removed.id()), Some(StatementId(1)));
    assert!(connection.cache.remove(key("", "a")).is_none());
    assert_eq!(connection.cache.len(), 1);
    assert_eq!(connection.open(), [2]);
}

#[test]
fn a_cleared_cache_finds_nothing_and_closes_what_nobody_holds() {
    let mut connection = Connection::new(2);
    drop(connection.query("", "SELECT 1"));
    let held = connection.query("", "SELECT 2");
    connection.cache.clear();
    assert!(connection.cache.is_empty());
    assert!(connection.cache.get(key("", "SELECT 1")).is_none());
    assert_eq!(connection.cache.standing(&held), Standing::Open);
    connection.close();
    assert_eq!(connection.open(), [held.id().0]);
    drop(held);
    connection.close();
    assert!(connection.open().is_empty());
}

#[test]
fn statements_held_across_reset_are_forgotten_and_never_closed() {
    let mut connection = Connection::new(2);
    let held = connection.query("", "a");
    connection.query("", "b");
    drop(connection.prepare("c"));
    connection.reset();
    assert_eq!(connection.cache.next_close(), None);
    assert!(connection.cache.is_empty());
    assert_eq!(connection.cache.standing(&held), Standing::Forgotten);
    let returned = connection.cache.insert("", STATUS, held);
    assert_eq!(returned.map(|held| held.id()), Some(StatementId(1)));
    assert_eq!(connection.cache.next_close(), None);
    assert_eq!(connection.query("", "a").id(), StatementId(4));
}

#[test]
fn a_prepare_answered_after_the_reset_behind_it_is_forgotten() {
    let mut connection = Connection::new(2);
    let epoch = connection.cache.epoch();
    connection.reset();
    let ok = ComStmtPrepareOk {
        statement: StatementId(1),
        columns: 0,
        parameters: 0,
        warnings: 0,
    };
    let statement = connection.cache.prepared(epoch, "a", &ok);
    assert_eq!(connection.cache.standing(&statement), Standing::Forgotten);
    drop(statement);
    assert_eq!(connection.cache.next_close(), None);
}

#[test]
fn a_statement_on_another_connection_is_foreign() {
    let mut one = Connection::new(1);
    let mut other = Connection::new(1);
    let statement = one.query("", "a");
    assert_eq!(other.cache.standing(&statement), Standing::Foreign);
    let returned = other.cache.insert("", STATUS, statement).unwrap();
    assert!(other.cache.is_empty());
    drop(one);
    drop(returned);
    assert_eq!(other.open(), []);
}

#[test]
fn a_statement_may_be_dropped_by_another_thread() {
    let mut connection = Connection::new(0);
    let statement = connection.query("", "a");
    thread::spawn(move || drop(statement)).join().unwrap();
    assert_eq!(connection.open(), []);
}

#[test]
fn debug_shows_no_sql() {
    let mut connection = Connection::new(1);
    let statement = connection.query("", "SELECT 'secret'");
    let key = key("", "SELECT 'secret'");
    let shown = format!("{statement:?} {:?} {key:?}", connection.cache);
    assert!(shown.contains("StatementId(1)") && shown.contains("sql_bytes: 15"));
    assert!(!shown.contains("secret"), "{shown}");
}

#[derive(Clone, Debug)]
enum Step {
    Query {
        schema: usize,
        sql: usize,
        hold: bool,
    },
    Prepare {
        sql: usize,
        hold: bool,
    },
    Remove {
        sql: usize,
    },
    Drop {
        which: usize,
    },
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..2_usize, 0..6_usize, any::<bool>())
            .prop_map(|(schema, sql, hold)| Step::Query { schema, sql, hold }),
        2 => (0..6_usize, any::<bool>()).prop_map(|(sql, hold)| Step::Prepare { sql, hold }),
        1 => (0..6_usize).prop_map(|sql| Step::Remove { sql }),
        4 => any::<usize>().prop_map(|which| Step::Drop { which }),
        1 => Just(Step::Reset),
    ]
}

const SCHEMAS: [&str; 2] = ["", "db"];
const SQL: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A list of what is cached, the most recently used at its end.
#[derive(Default)]
struct Model {
    cached: Vec<((usize, usize), StatementId)>,
}

impl Model {
    fn take(&mut self, key: (usize, usize)) -> Option<StatementId> {
        let at = self.cached.iter().position(|(known, _)| *known == key)?;
        Some(self.cached.remove(at).1)
    }

    fn put(&mut self, key: (usize, usize), id: StatementId, capacity: usize) {
        self.take(key);
        self.cached.push((key, id));
        let surplus = self.cached.len().saturating_sub(capacity);
        self.cached.drain(..surplus);
    }
}

proptest! {
    #[test]
    fn statement_count_on_the_server_stays_bounded_by_the_cached_and_the_held(
        capacity in 0..4_usize,
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut connection = Connection::new(capacity);
        let mut model = Model::default();
        let mut held: Vec<Statement> = Vec::new();
        for step in steps {
            match step {
                Step::Query { schema, sql, hold } => {
                    let statement = connection.query(SCHEMAS[schema], SQL[sql]);
                    let known = model.take((schema, sql));
                    let expected = known.unwrap_or(StatementId(connection.prepared));
                    prop_assert_eq!(statement.id(), expected);
                    model.put((schema, sql), expected, capacity);
                    held.extend(hold.then_some(statement));
                }
                Step::Prepare { sql, hold } => {
                    let statement = connection.prepare(SQL[sql]);
                    held.extend(hold.then_some(statement));
                }
                Step::Remove { sql } => {
                    let removed = connection.cache.remove(key(SCHEMAS[0], SQL[sql]));
                    prop_assert_eq!(removed.map(|removed| removed.id()), model.take((0, sql)));
                }
                Step::Drop { which } => {
                    if let Some(at) = which.checked_rem(held.len()) {
                        held.swap_remove(at);
                    }
                }
                Step::Reset => {
                    connection.reset();
                    model.cached.clear();
                }
            }
            connection.close();
            let cached = model.cached.iter().map(|(_, id)| *id);
            let open = held.iter().filter(|statement| {
                connection.cache.standing(statement) == Standing::Open
            });
            let expected: HashSet<StatementId> = open.map(Statement::id).chain(cached).collect();
            prop_assert_eq!(&connection.open, &expected);
            prop_assert_eq!(connection.cache.len(), model.cached.len());
            prop_assert!(connection.open.len() <= capacity + held.len());
        }
    }
}

#[test]
fn the_statement_used_last_is_not_found_behind_a_clear_a_removal_or_a_reset() {
    let ways: [fn(&mut Connection); 3] = [
        |connection| connection.cache.clear(),
        |connection| drop(connection.cache.remove(key("", "a"))),
        |connection| connection.cache.forget(),
    ];
    for way in ways {
        let mut connection = Connection::new(2);
        connection.query("", "a");
        connection.query("", "a");
        way(&mut connection);
        assert!(connection.cache.get(key("", "a")).is_none());
    }
}

#[test]
fn the_statement_used_last_is_closed_when_it_is_evicted() {
    let mut connection = Connection::new(1);
    connection.query("", "a");
    connection.query("", "a");
    assert_eq!(connection.open(), [1]);
    connection.query("", "b");
    assert_eq!(connection.open(), [2]);
}

#[test]
fn the_statement_used_last_is_another_one_in_another_schema_or_mode() {
    let mut connection = Connection::new(4);
    let a = connection.query("one", "a").id();
    assert_eq!(connection.query("one", "a").id(), a);
    assert_ne!(connection.query("two", "a").id(), a);
    assert_eq!(connection.query("one", "a").id(), a);
    let ansi = StatementKey {
        status: STATUS | ServerStatus::ANSI_QUOTES,
        ..key("one", "a")
    };
    assert!(connection.cache.get(ansi).is_none());
}
