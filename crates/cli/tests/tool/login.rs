use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::{Command, Stdio};

use protocol_tests::live;

use crate::support::{SECRET, Terminal, bare, on_terminal, otaria, run, url};

#[test]
fn a_wrong_url_is_a_usage_error_that_shows_a_right_one() {
    for wrong in [
        "localhost",
        "localhost:3306",
        "postgres://ada@localhost/db",
        "mariadb://ada@localhost/db/table",
        "mariadb://ada@localhost:99999/",
    ] {
        let done = run(&mut otaria(["ping", wrong]));
        done.assert(
            2,
            &["the URL", "mariadb://user@db.example.org:3306/database"],
        );
    }
    let done = run(&mut otaria([
        "ping",
        "mariadb://ada@localhost?ssl_moed=prefer",
    ]));
    done.assert(2, &["did you mean `ssl_mode`?"]);
}

#[test]
fn without_a_url_the_error_names_both_ways_to_give_one() {
    run(&mut otaria(["ping"])).assert(2, &["no URL", "OTARIA_URL"]);
}

#[test]
fn an_unknown_host_is_no_connection() {
    let done = run(&mut otaria(["ping", "mariadb://ada@no-such-host.invalid/"]));
    done.assert(3, &["no-such-host.invalid", "Check the host's name"]);
}

#[test]
fn a_port_that_nobody_listens_on_is_no_connection() {
    let done = run(&mut otaria(["ping", "mariadb://ada@127.0.0.1:1/"]));
    done.assert(3, &["127.0.0.1:1", "No server listens there"]);
    let done = run(&mut otaria([
        "ping",
        "mariadb://ada@localhost?socket=/nowhere/sock",
    ]));
    done.assert(3, &["/nowhere/sock", "is the server running?"]);
}

#[test]
fn a_wrong_password_is_no_connection_and_the_error_says_where_passwords_come_from() {
    let done = run(otaria(["ping", &url("")]).env("MARIADB_PASSWORD", SECRET));
    done.assert(
        3,
        &["1045", "may be the wrong one", "--ask-password", "[client]"],
    );
    let done = run(bare(["ping", &url(""), "--no-defaults"]).stdin(Stdio::null()));
    done.assert(3, &["1045", "No password was given", "MARIADB_PASSWORD"]);
}

#[test]
fn an_unknown_database_is_no_connection() {
    let done = run(&mut otaria(["ping", &url("no_such_database")]));
    done.assert(3, &["1049", "The database in the URL does not exist"]);
}

#[test]
fn a_password_in_the_url_of_the_command_line_is_refused_unless_a_flag_allows_it() {
    let server = live::shared();
    let open = server.url("");
    let done = run(&mut bare(["ping", &open, "--no-defaults"]));
    done.assert(
        2,
        &[
            "MARIADB_PASSWORD",
            "--ask-password",
            "option file",
            "--password-in-url",
        ],
    );
    run(&mut bare([
        "ping",
        &open,
        "--no-defaults",
        "--password-in-url",
    ]))
    .assert(0, &[]);
    run(bare(["ping", "--no-defaults"]).env("OTARIA_URL", &open)).assert(0, &[]);
}

#[test]
fn what_is_wrong_with_arguments_is_said_without_the_password_among_them() {
    let secret = format!("mariadb://ada:{SECRET}@localhost/db");
    run(&mut bare([&secret])).assert(2, &["unrecognized subcommand"]);
    run(&mut bare(["ping", &secret, "--cuont"])).assert(2, &["--count"]);
    run(&mut bare(["ping", "mariadb://h", &secret])).assert(2, &["unexpected argument"]);
    let done = run(bare(["ping", "--no-defaults"]).env("OTARIA_URL", format!("{secret}/x")));
    done.assert(2, &["the variable OTARIA_URL"]);
    let file = format!("{secret}/t.csv");
    let done = run(bare(["load", "t", &file, "--no-defaults"]).env("OTARIA_URL", "mariadb://h"));
    done.assert(4, &["cannot read mariadb://ada:…@localhost/db/t.csv"]);
}

#[test]
fn an_argument_that_is_not_utf_8_is_a_usage_error() {
    let argument = OsString::from_vec(b"mariadb://\xff".to_vec());
    run(&mut otaria([OsString::from("ping"), argument])).assert(2, &["UTF-8"]);
    let password = OsString::from_vec(vec![0xff]);
    let done = run(otaria(["ping", &url("")]).env("MARIADB_PASSWORD", password));
    done.assert(2, &["the environment variable MARIADB_PASSWORD: not UTF-8"]);
}

#[test]
fn user_and_password_come_from_option_files() {
    let server = live::shared();
    let home = tempfile::tempdir().unwrap();
    let (user, password) = (server.user(), server.password());
    let login = format!("[client]\nuser={user}\n[otaria]\npassword={password}\n");
    let place = url("").replacen(&format!("{user}@"), "", 1);

    fs::write(home.path().join(".my.cnf"), &login).unwrap();
    run(bare(["ping", &place]).env("HOME", home.path())).assert(0, &[]);
    let file = home.path().join("other.cnf");
    fs::write(&file, &login).unwrap();
    let named = |file| bare(["ping", &place, "--defaults-file", file]);
    run(&mut named(file.to_str().unwrap())).assert(0, &[]);

    let done = run(named(file.to_str().unwrap()).env("MYSQL_PWD", SECRET));
    done.assert(3, &["1045", "may be the wrong one"]);
    run(&mut named("/nowhere/my.cnf")).assert(2, &["the option files", "/nowhere/my.cnf"]);
    fs::write(&file, format!("[client]\nno_such_option={SECRET}\n")).unwrap();
    run(&mut named(file.to_str().unwrap())).assert(2, &["line 2"]);
}

#[test]
fn a_password_is_asked_for_on_a_terminal_and_not_shown() {
    for flag in ["--ask-password", ""] {
        let arguments = format!("ping --no-defaults {flag} '{}'", url(""));
        let done = on_terminal(&arguments);
        assert_eq!(done.code, Some(0), "{done:#?}");
        assert!(done.out.contains("Password of"), "{done:#?}");
        assert!(done.out.contains("round trip"), "{done:#?}");
    }
}

#[test]
fn a_question_that_is_given_up_leaves_a_terminal_that_shows_what_is_typed() {
    let tool = env!("CARGO_BIN_EXE_otaria");
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let mut terminal = Terminal::start(&format!(
            "stty -a > /dev/null; {tool} ping --no-defaults -W '{}'; echo code=$?; stty -a",
            url("")
        ));
        terminal.wait_for(": ");
        let process = terminal.process().to_string();
        let killed = Command::new("kill").args([signal, &process]).status();
        assert!(killed.unwrap().success());
        let done = terminal.end();
        assert!(done.out.contains(&format!("code={code}")), "{done:#?}");
        let mut modes = done.out.split_whitespace();
        assert!(modes.any(|mode| mode == "echo"), "{done:#?}");
        assert!(done.out.contains(": \r\nerror: interrupted"), "{done:#?}");
    }
    // Ctrl-C as it is typed.
    let mut terminal = Terminal::start(&format!("{tool} ping --no-defaults -W '{}'", url("")));
    terminal.wait_for(": ");
    terminal.type_in("half\u{3}");
    let done = terminal.end();
    assert_eq!(done.code, Some(130), "{done:#?}");
    assert!(!done.out.contains("half"), "{done:#?}");
}

#[test]
fn help_teaches_by_examples_and_tells_the_exit_codes() {
    let done = run(&mut bare(["--help"]));
    done.assert(0, &[]);
    for text in ["Examples:", "Passwords:", "Exit codes:", "OTARIA_URL"] {
        assert!(done.out.contains(text), "{done:#?}");
    }
    let help = run(&mut bare(["ping", "--help"]));
    assert!(help.out.contains("Examples:"), "{help:#?}");
}
