use super::*;

const SQL: &str = "SELECT SLEEP(?), ?";

fn line(id: u64, host: &str, info: Option<&str>) -> ProcessLine {
    ProcessLine {
        id,
        is_beside: false,
        user: "app".to_owned(),
        host: host.to_owned(),
        command: "Query".to_owned(),
        query_id: Some(77),
        info: info.map(|info| info.as_bytes().to_vec()),
    }
}

fn beside(host: &str) -> ProcessLine {
    ProcessLine {
        is_beside: true,
        ..line(
            8,
            host,
            Some("SELECT … FROM information_schema.PROCESSLIST"),
        )
    }
}

fn process(sql: &str) -> Process<'_> {
    Process {
        thread_id: 7,
        user: "app",
        origin: Origin::Ports {
            own: 5001,
            beside: 5002,
        },
        sql,
    }
}

fn local(sql: &str) -> Process<'_> {
    Process {
        origin: Origin::UnixSocket,
        ..process(sql)
    }
}

const OURS: Found = Found::Running {
    kill: Kill::Query {
        id: 77,
        connection: 7,
    },
};

#[test]
fn a_statement_is_ours_by_id_user_port_and_text() {
    let own = line(7, "db-client:5001", Some("SELECT SLEEP(?), ?"));
    let beside = beside("db-client:5002");
    assert_eq!(process(SQL).find(&[own.clone(), beside.clone()]), OURS);
    assert_eq!(process(SQL).find(&[beside.clone(), own.clone()]), OURS);

    let others = [
        ProcessLine {
            id: 6,
            ..own.clone()
        },
        ProcessLine {
            user: "other".to_owned(),
            ..own.clone()
        },
        ProcessLine {
            host: "db-client:5003".to_owned(),
            ..own.clone()
        },
        ProcessLine {
            host: "localhost".to_owned(),
            ..own.clone()
        },
        ProcessLine {
            info: Some(b"DELETE FROM t".to_vec()),
            ..own.clone()
        },
    ];
    for other in others {
        let lines = [other.clone(), beside.clone()];
        assert_eq!(process(SQL).find(&lines), Found::Nothing, "{other:?}");
    }
    assert_eq!(process(SQL).find(&[beside]), Found::Nothing);
    assert_eq!(
        process(SQL).find(&[own]),
        Found::Nothing,
        "who reads the list?"
    );
    assert_eq!(process(SQL).find(&[]), Found::Nothing);
}

#[test]
fn an_id_of_more_than_32_bits_is_found_by_the_low_ones() {
    let own = line(0x0003_0000_0007, "c:5001", Some(SQL));
    let kill = Kill::Query {
        id: 77,
        connection: 0x0003_0000_0007,
    };
    let found = process(SQL).find(&[own.clone(), beside("c:5002")]);
    assert_eq!(found, Found::Running { kill });
    let twice = [own, line(7, "c:5001", Some(SQL)), beside("c:5002")];
    assert_eq!(process(SQL).find(&twice), Found::Nothing);
}

#[test]
fn a_port_says_nothing_where_the_way_gives_others() {
    let lines = [line(7, "proxy:5001", Some(SQL)), beside("proxy:40000")];
    assert_eq!(process(SQL).find(&lines), Found::Nothing);
}

#[test]
fn by_a_unix_socket_neither_has_a_port_and_the_statement_decides() {
    let own = line(7, "localhost", Some(SQL));
    let lines = [own.clone(), beside("localhost")];
    assert_eq!(local(SQL).find(&lines), OURS);
    assert_eq!(local("CALL p()").find(&lines), Found::Nothing);
    let behind_proxy = [line(7, "127.0.0.1:5001", Some(SQL)), beside("localhost")];
    assert_eq!(local(SQL).find(&behind_proxy), Found::Nothing);
    let behind_proxy = [own, beside("127.0.0.1:5002")];
    assert_eq!(local(SQL).find(&behind_proxy), Found::Nothing);
}

#[test]
fn a_connection_without_a_statement_is_idle() {
    let lines = [line(7, "c:5001", None), beside("c:5002")];
    assert_eq!(process(SQL).find(&lines), Found::Idle);
}

#[test]
fn a_statement_that_runs_others_is_known_by_its_port() {
    let lines = [
        line(
            7,
            "localhost:5001",
            Some("SELECT SLEEP( NAME_CONST('n',3))"),
        ),
        beside("127.0.0.1:5002"),
    ];
    for sql in ["CALL p(3)", " call\np(3)", "EXECUTE s"] {
        assert_eq!(process(sql).find(&lines), OURS, "{sql}");
    }
    for sql in [
        "SELECT a FROM t",
        "SELECT f(3)",
        "SELECT a; SELECT b",
        "CALLS",
        "",
    ] {
        assert_eq!(process(sql).find(&lines), Found::Nothing, "{sql}");
    }
    let lines = [line(7, "c:5001", Some("SELECT SLEEP(3)")), beside("c:5002")];
    assert_eq!(process("SELECT a; SELECT SLEEP(3)").find(&lines), OURS);
    let compound = "BEGIN NOT ATOMIC SELECT SLEEP(3); SELECT 1; END";
    assert_eq!(process(compound).find(&lines), OURS);
}

#[test]
fn each_of_several_statements_is_known_however_long_they_are() {
    let (first, second) = (
        format!("SELECT '{}'", "a".repeat(3000)),
        format!("SELECT SLEEP(3), '{}'", "b".repeat(3000)),
    );
    let both = format!("{first}; {second}");
    for running in [&first, &second] {
        let info = running.get(..ProcessLine::INFO_BYTES);
        let lines = [line(7, "c:5001", info), beside("c:5002")];
        assert_eq!(process(&both).find(&lines), OURS);
        assert_eq!(local(&both).find(&lines), Found::Nothing);
    }
    let lines = [line(7, "localhost", Some(&first)), beside("localhost")];
    assert_eq!(local(&both).find(&lines), OURS, "its beginning decides");
}

#[test]
fn a_server_without_statement_numbers_is_told_the_connection() {
    let own = ProcessLine {
        query_id: None,
        ..line(7, "c:5001", Some(SQL))
    };
    let found = process(SQL).find(&[own, beside("c:5002")]);
    let kill = Kill::Connection(7);
    assert_eq!(found, Found::Running { kill });
    assert_eq!(kill.sql(), "KILL QUERY 7");
    let kill = Kill::Query {
        id: 77,
        connection: 7,
    };
    assert_eq!(kill.sql(), "KILL QUERY ID 77");
}

#[test]
fn text_is_compared_but_for_what_the_server_changes() {
    for (sent, shown) in [
        ("SELECT 1", "SELECT 1"),
        (" \n\t/* a */ SELECT 1 ; \r\n", "/* a */ SELECT 1"),
        (SQL, "SELECT SLEEP(?), ?"),
        (SQL, "SELECT SLEEP(3), 'abc\\'x'"),
        ("SELECT ? + a", "SELECT 'a + b' + a"),
        ("SELECT '😀', ä", "SELECT '?', ä"),
        ("SELECT '😀', ä", "SELECT '😀', ä"),
    ] {
        assert!(shows(shown.as_bytes(), sent), "{sent}: {shown}");
    }
    for (sent, shown) in [
        ("SELECT 1", "SELECT 2"),
        ("SELECT 1", "SELECT 10"),
        ("SELECT 1", "select 1"),
        ("SELECT 1", "SELECT"),
        ("SELECT 1", " SELECT 1"),
        ("SELECT ?, a", "SELECT 1, b"),
        ("SELECT a = ? AND b", "SELECT a = 1 AND b OR c"),
        ("?", "SELECT 1"),
        ("", "SELECT 1"),
        ("SELECT 1; SELECT 2", "SELECT 1"),
    ] {
        assert!(!shows(shown.as_bytes(), sent), "{sent}: {shown}");
    }
}

#[test]
fn of_a_long_statement_the_beginning_is_compared() {
    let long = format!("SELECT '{}'", "x".repeat(300));
    let info = format!("{long}, '{}'", "y".repeat(3000));
    let info = &info.as_bytes()[..ProcessLine::INFO_BYTES];
    let sent = long.split_at(200).0;
    assert!(shows(info, sent));
    assert!(shows(long.as_bytes(), sent));
    assert!(!shows(b"SELECT 'x'", sent));
    // A value that is longer than what was asked for hides the rest.
    let value = format!("INSERT INTO t VALUES ('{}", "z".repeat(3000));
    let value = &value.as_bytes()[..ProcessLine::INFO_BYTES];
    assert!(shows(value, "INSERT INTO t VALUES (?, ?)"));
    assert!(!shows(value, "INSERT INTO u VALUES (?, ?)"));
}

#[test]
fn debug_shows_no_sql() {
    let own = line(7, "db-client:5001", Some("SELECT 'secret'"));
    let shown = format!("{own:?} {:?}", process("SELECT 'secret'"));
    assert!(!shown.contains("secret"), "{shown}");
}
