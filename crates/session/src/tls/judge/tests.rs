use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;

use super::*;
use crate::tls::{TlsContext, TlsMaterial};
use crate::{Config, Pem};

/// 2030-01-01, the time of all verdicts but where another is given.
const NOW: u64 = 1_893_456_000;
const DAY: u64 = 86_400;

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = params(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self {
            pem: params.self_signed(&key).unwrap().pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for `names`.
    fn issue(&self, names: &[&str]) -> Vec<CertificateDer<'static>> {
        let key = KeyPair::generate().unwrap();
        let certificate = params(names).signed_by(&key, &self.issuer);
        vec![certificate.unwrap().der().clone()]
    }
}

/// Valid in the years 2029 to 2031.
fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2029, 1, 1);
    params.not_after = date_time_ymd(2031, 1, 1);
    params
}

fn self_signed(is_ca: bool) -> Vec<CertificateDer<'static>> {
    let mut params = params(&["db.example.org"]);
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let certificate = params.self_signed(&KeyPair::generate().unwrap());
    vec![certificate.unwrap().der().clone()]
}

const MODES: [SslMode; 4] = [
    SslMode::Prefer,
    SslMode::Trust,
    SslMode::VerifyCa,
    SslMode::VerifyFull,
];

/// What `mode` says to `certificates` with the authorities of `ca`, or without any.
fn verdict(
    mode: SslMode,
    ca: Option<&str>,
    certificates: &[CertificateDer<'_>],
) -> Result<Verdict, TlsError> {
    verdict_at(NOW, "db.example.org", mode, ca, certificates)
}

fn verdict_at(
    time: u64,
    host: &str,
    mode: SslMode,
    ca: Option<&str>,
    certificates: &[CertificateDer<'_>],
) -> Result<Verdict, TlsError> {
    let time = UnixTime::since_unix_epoch(Duration::from_secs(time));
    let context = context(mode, ca);
    judge(&context.policy, certificates, &name(host), false, time)
}

fn context(mode: SslMode, ca: Option<&str>) -> TlsContext {
    let config = Config::builder().ssl_mode(mode).build().unwrap();
    let material = TlsMaterial {
        ca: ca.map(|pem| pem.as_bytes().to_vec()),
        ..TlsMaterial::default()
    };
    TlsContext::new(&config, &material).unwrap()
}

fn name(host: &str) -> ServerName<'static> {
    ServerName::try_from(host.to_owned()).unwrap()
}

fn refused(problem: CertificateProblem) -> TlsError {
    TlsError::Certificate(problem)
}

#[test]
fn a_certificate_of_a_trusted_authority_for_the_name_proves_in_every_mode() {
    let authority = Authority::new();
    let certificates = authority.issue(&["db.example.org", "127.0.0.1"]);
    for mode in MODES {
        let verdict = verdict(mode, Some(&authority.pem), &certificates).unwrap();
        let proof = if mode == SslMode::VerifyCa {
            TlsProof::CertificateAuthority
        } else {
            TlsProof::Certificate
        };
        assert_eq!(verdict.proof, proof, "{mode:?}");
        assert_eq!(verdict.server_proof, ServerProof::NotNeeded, "{mode:?}");
    }
}

#[test]
fn an_ip_address_host_is_compared_with_the_addresses_of_the_certificate() {
    let authority = Authority::new();
    let certificates = authority.issue(&["127.0.0.1", "::1"]);
    let at = |host| {
        let ca = Some(authority.pem.as_str());
        verdict_at(NOW, host, SslMode::VerifyFull, ca, &certificates)
    };
    assert_eq!(at("127.0.0.1").unwrap().proof, TlsProof::Certificate);
    assert_eq!(at("::1").unwrap().proof, TlsProof::Certificate);
    let wrong = refused(CertificateProblem::WrongName);
    assert_eq!(at("127.0.0.2").unwrap_err(), wrong);
    assert_eq!(at("db.example.org").unwrap_err(), wrong);
}

#[test]
fn a_wrong_name_is_refused_where_names_are_compared() {
    let authority = Authority::new();
    let certificates = authority.issue(&["other.example.org"]);
    let in_mode = |mode| verdict(mode, Some(&authority.pem), &certificates);
    assert_eq!(
        in_mode(SslMode::VerifyFull).unwrap_err(),
        refused(CertificateProblem::WrongName)
    );
    assert_eq!(
        in_mode(SslMode::VerifyCa).unwrap().proof,
        TlsProof::CertificateAuthority
    );
    for mode in [SslMode::Prefer, SslMode::Trust] {
        let verdict = in_mode(mode).unwrap();
        assert!(!verdict.proof.is_proven(), "{mode:?}");
        assert_eq!(verdict.server_proof, ServerProof::NotNeeded, "{mode:?}");
    }
}

#[test]
fn an_expired_cert_is_an_error_in_every_mode_whoever_issued_it() {
    let authority = Authority::new();
    let trusted = authority.issue(&["db.example.org"]);
    for (time, problem) in [
        (NOW + 500 * DAY, CertificateProblem::Expired),
        (NOW - 500 * DAY, CertificateProblem::NotYetValid),
    ] {
        for mode in MODES {
            for ca in [Some(authority.pem.as_str()), None] {
                for certificates in [&trusted, &self_signed(false), &self_signed(true)] {
                    let verdict = verdict_at(time, "db.example.org", mode, ca, certificates);
                    assert_eq!(verdict.unwrap_err(), refused(problem.clone()), "{mode:?}");
                }
            }
        }
    }
}

#[test]
fn an_untrusted_issuer_leaves_the_proof_to_the_password_unless_there_is_an_authority() {
    let stranger = Authority::new().issue(&["db.example.org"]);
    let authority = Authority::new();
    for (certificates, problem) in [
        (&stranger, CertificateProblem::UntrustedIssuer),
        (&self_signed(false), CertificateProblem::UntrustedIssuer),
        (&self_signed(true), CertificateProblem::Authority),
    ] {
        let certificate_sha256: [u8; 32] = Sha256::digest(&certificates[0]).into();
        for mode in MODES {
            let must = matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull);
            let without_ca = verdict(mode, None, certificates).unwrap();
            assert!(!without_ca.proof.is_proven(), "{mode:?}");
            let expected = if must {
                ServerProof::Required { certificate_sha256 }
            } else {
                ServerProof::Wanted { certificate_sha256 }
            };
            assert_eq!(without_ca.server_proof, expected, "{mode:?}");
            match verdict(mode, Some(&authority.pem), certificates) {
                Err(error) => {
                    assert!(must, "{mode:?}");
                    assert_eq!(error, refused(problem.clone()));
                }
                Ok(verdict) => {
                    assert!(!must && !verdict.proof.is_proven(), "{mode:?}");
                    assert_eq!(verdict.server_proof, ServerProof::NotNeeded);
                }
            }
        }
    }
}

#[test]
fn a_self_signed_certificate_that_is_the_authority_proves() {
    let key = KeyPair::generate().unwrap();
    let certificate = params(&["db.example.org"]).self_signed(&key).unwrap();
    let certificates = [certificate.der().clone()];
    let verdict = verdict(SslMode::VerifyFull, Some(&certificate.pem()), &certificates);
    assert_eq!(verdict.unwrap().proof, TlsProof::Certificate);
}

/// `openssl req -x509` makes such.
#[test]
fn an_authority_that_shows_its_own_certificate_proves_if_it_is_trusted() {
    let mut params = params(&["db.example.org"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let (pem, shown) = (certificate.pem(), [certificate.der().clone()]);
    let at = |time, host, mode| verdict_at(time, host, mode, Some(&pem), &shown);
    for mode in MODES {
        let proof = at(NOW, "db.example.org", mode).unwrap().proof;
        assert!(proof.is_proven(), "{mode:?}");
        let expired = at(NOW + 500 * DAY, "db.example.org", mode);
        assert_eq!(expired.unwrap_err(), refused(CertificateProblem::Expired));
    }
    let wrong = at(NOW, "elsewhere", SslMode::VerifyFull).unwrap_err();
    assert_eq!(wrong, refused(CertificateProblem::WrongName));
    let proof = at(NOW, "elsewhere", SslMode::VerifyCa).unwrap().proof;
    assert_eq!(proof, TlsProof::CertificateAuthority);
}

#[test]
fn a_fingerprint_proves_and_a_wrong_fingerprint_is_refused_in_every_mode() {
    let certificates = self_signed(true);
    let digest = Sha256::digest(&certificates[0]);
    let digits: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let right = digits.join(":");
    let wrong = "00".repeat(32);
    for mode in MODES {
        let at = |fingerprint: &str, time| {
            let config = Config::builder().ssl_mode(mode);
            let config = config.ssl_fingerprint(fingerprint.parse().unwrap());
            let context = TlsContext::new(&config.build().unwrap(), &TlsMaterial::default());
            let policy = &context.unwrap().policy;
            let time = UnixTime::since_unix_epoch(Duration::from_secs(time));
            judge(policy, &certificates, &name("elsewhere"), false, time)
        };
        let with = |fingerprint| at(fingerprint, NOW);
        let expired = at(&right, NOW + 500 * DAY).unwrap_err();
        assert_eq!(expired, refused(CertificateProblem::Expired), "{mode:?}");
        assert_eq!(with(&right).unwrap().proof, TlsProof::Fingerprint);
        assert_eq!(
            with(&wrong).unwrap_err(),
            refused(CertificateProblem::WrongFingerprint),
            "{mode:?}"
        );
    }
}

#[test]
fn within_the_machine_an_unknown_certificate_is_good_enough_and_an_expired_one_is_not() {
    let certificates = self_signed(false);
    let context = context(SslMode::VerifyFull, None);
    let at = |time| {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(time));
        judge(
            &context.policy,
            &certificates,
            &name("localhost"),
            true,
            time,
        )
    };
    assert_eq!(at(NOW).unwrap().proof, TlsProof::LocalSocket);
    assert_eq!(
        at(NOW + 500 * DAY).unwrap_err(),
        refused(CertificateProblem::Expired)
    );
}

#[test]
fn without_a_certificate_there_is_no_proof() {
    for mode in MODES {
        let error = verdict(mode, None, &[]).unwrap_err();
        assert_eq!(error, refused(CertificateProblem::Missing));
    }
}

#[test]
fn x509_v1_cert_has_a_message_of_its_own() {
    // `openssl x509 -req -signkey` without extensions makes such.
    let pem = include_bytes!("version1.pem");
    let certificate = CertificateDer::from_pem_slice(pem).unwrap();
    let problem = match ParsedCertificate::try_from(&certificate) {
        Err(Error::InvalidCertificate(error)) => problem(&error),
        _ => panic!("read as a certificate"),
    };
    assert_eq!(problem, CertificateProblem::Version1);
    assert!(refused(problem).to_string().contains("version 3"));
}

#[test]
fn material_that_is_none_is_refused_by_the_name_of_its_option() {
    let authority = Authority::new();
    let pem = authority.pem.clone().into_bytes();
    let key = KeyPair::generate().unwrap().serialize_pem().into_bytes();
    let config = Config::builder()
        .ssl_cert(Pem::Bytes(pem.clone().into()))
        .ssl_key(Pem::Bytes(key.clone().into()))
        .build()
        .unwrap();
    let no_pem = || Some(b"secret".to_vec());
    let materials = [
        ("ssl_ca", no_pem(), None, None),
        ("ssl_cert", None, no_pem(), Some(key.clone())),
        ("ssl_key", None, Some(pem.clone()), no_pem()),
        // Of another certificate.
        ("ssl_key", None, Some(pem), Some(key)),
    ];
    for (option, ca, certificate, key) in materials {
        let material = TlsMaterial {
            ca,
            system_roots: Vec::new(),
            certificate,
            key: key.map(Into::into),
            version: Vec::new(),
        };
        let error = TlsContext::new(&config, &material).unwrap_err();
        assert!(error.to_string().contains(option), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
