use protocol_tests::certificates::{Authority, Leaf};
use protocol_tests::live::{self, LiveServer};

use crate::support::{otaria, run, url, url_of};

#[test]
fn ping_says_what_the_server_is_and_how_long_it_takes_to_answer() {
    let done = run(&mut otaria(["ping", &url("mysql"), "--count", "3"]));
    done.assert(0, &[]);
    let (brand, ability) = if live::shared().is_mysql() {
        ("MySQL", "session tracking")
    } else {
        ("MariaDB", "bulk execution")
    };
    let version = format!("{brand} {} (", live::shared().version());
    let user = format!("{}@", live::shared().user());
    for text in [&version, &user, "mysql", ability, "of 3\n"] {
        assert!(done.out.contains(text), "{text}: {done:#?}");
    }
    assert_eq!(done.err, "");
}

#[test]
fn private_server_ping_says_how_the_server_was_proven() {
    let authority = Authority::new("an authority of this test");
    let identity = authority.issue(&Leaf::server(["127.0.0.1"]));
    let server = LiveServer::builder().tls(&identity).start().unwrap();
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), authority.pem()).unwrap();
    let ping = |options: &str| {
        let mut command = otaria(["ping", &format!("{}?{options}", url_of(&server, ""))]);
        run(command.env("MARIADB_PASSWORD", server.password()))
    };

    let proven = ping(&format!("ssl_ca={}", ca.path().display()));
    proven.assert(0, &[]);
    assert!(proven.out.contains("TLSv1.3, TLS_"), "{proven:#?}");
    let by_certificate = "a certificate for its name from a trusted authority";
    assert!(proven.out.contains(by_certificate), "{proven:#?}");
    // Servers from 11.4 on prove themselves by the password.
    let unknown = ping("ssl_mode=prefer");
    unknown.assert(0, &[]);
    let is_proven = unknown.out.contains("it knows the password");
    assert!(
        is_proven || unknown.out.contains("NOT PROVEN"),
        "{unknown:#?}"
    );
    ping("ssl_mode=verify-ca&ssl_fingerprint=00").assert(2, &["`ssl_fingerprint`"]);
    let clear = ping("ssl_mode=disable");
    assert!(clear.out.contains("proof       none"), "{clear:#?}");
}
