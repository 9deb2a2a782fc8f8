//! What is known of hosts, and in which order they are tried.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use otaria_session::{Config, Endpoint, Error, HostOrder, Redirect};
use tokio::time::Instant;

use crate::log_in::entropy;

/// What connections of one configuration know together of the hosts that they go to: which of them
/// failed lately and are left alone for a while
/// ([`host_cool_down`](otaria_session::ConfigBuilder::host_cool_down)), and where a server redirects
/// to for as long as it has said. Clones share what they know. A pool keeps one.
#[derive(Clone, Debug, Default)]
pub struct HostStates {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// When each of the hosts that have failed may be tried like others again.
    cooling: HashMap<Endpoint, Instant>,
    /// Where each host redirects to, and until when.
    redirects: HashMap<Endpoint, (Redirect, Instant)>,
}

impl HostStates {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the host failed lately, so that the others are tried before it.
    pub fn is_cooling(&self, endpoint: &Endpoint) -> bool {
        let until = self.shared().cooling.get(endpoint).copied();
        until.is_some_and(|until| Instant::now() < until)
    }

    /// The hosts of `config`, in the order in which they are to be tried: first those about which
    /// nothing is known, and those that failed lately when all others have.
    pub(crate) fn in_order(&self, config: &Config) -> Result<[Vec<Endpoint>; 2], Error> {
        let mut endpoints = config.endpoints().to_vec();
        if config.host_order() == HostOrder::Spread {
            let first = lot(endpoints.len())?;
            endpoints.rotate_left(first);
        }
        let (cooling, well) = endpoints
            .into_iter()
            .partition(|endpoint| self.is_cooling(endpoint));
        Ok([well, cooling])
    }

    /// The host could not be used. A host that is alone is tried in any case.
    pub(crate) fn failed(&self, endpoint: &Endpoint, config: &Config) {
        let until = Instant::now().checked_add(config.host_cool_down());
        if let Some(until) = until
            && config.endpoints().len() > 1
        {
            self.shared().cooling.insert(endpoint.clone(), until);
        }
    }

    /// The host is well.
    pub(crate) fn succeeded(&self, endpoint: &Endpoint) {
        self.shared().cooling.remove(endpoint);
    }

    /// Where the host has said that it redirects to, if that still holds.
    pub(crate) fn redirect(&self, endpoint: &Endpoint) -> Option<Redirect> {
        let mut shared = self.shared();
        let (redirect, until) = shared.redirects.get(endpoint)?;
        if Instant::now() < *until {
            return Some(redirect.clone());
        }
        shared.redirects.remove(endpoint);
        None
    }

    /// The host redirects, and that was of use.
    pub(crate) fn redirects(&self, endpoint: &Endpoint, redirect: Redirect) {
        let until = Instant::now().checked_add(redirect.ttl());
        if let Some(until) = until
            && !redirect.ttl().is_zero()
        {
            let redirects = &mut self.shared().redirects;
            redirects.insert(endpoint.clone(), (redirect, until));
        }
    }

    /// Where the host redirects to is of no use.
    pub(crate) fn forget_redirect(&self, endpoint: &Endpoint) {
        self.shared().redirects.remove(endpoint);
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of so many places, by lot.
fn lot(places: usize) -> Result<usize, Error> {
    let [a, b, c, d, ..] = entropy()?;
    let drawn = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or_default();
    Ok(drawn.checked_rem(places).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn config(order: HostOrder) -> Config {
        let config = Config::builder()
            .host("a")
            .add_host("b", 1)
            .add_host("c", 2);
        config.host_order(order).build().unwrap()
    }

    fn order(states: &HostStates, config: &Config) -> Vec<String> {
        let [well, cooling] = states.in_order(config).unwrap();
        well.iter()
            .chain(&cooling)
            .map(Endpoint::to_string)
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_failed_comes_last_until_its_time_is_over_or_it_is_well() {
        let config = config(HostOrder::InOrder);
        let states = HostStates::new();
        let (a, b) = (&config.endpoints()[0], &config.endpoints()[1]);
        states.failed(a, &config);
        assert!(states.is_cooling(a) && !states.is_cooling(b));
        assert_eq!(order(&states, &config), ["b:1", "c:2", "a:3306"]);
        tokio::time::advance(Duration::from_secs(29)).await;
        states.failed(b, &config);
        assert_eq!(order(&states, &config), ["c:2", "a:3306", "b:1"]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(order(&states, &config), ["a:3306", "c:2", "b:1"]);
        states.clone().succeeded(b);
        assert_eq!(order(&states, &config), ["a:3306", "b:1", "c:2"]);
    }

    #[test]
    fn spread_begins_at_every_host_and_goes_around() {
        let config = config(HostOrder::Spread);
        let states = HostStates::new();
        let mut orders: Vec<_> = (0..200).map(|_| order(&states, &config)).collect();
        orders.sort();
        orders.dedup();
        assert_eq!(
            orders,
            [
                ["a:3306", "b:1", "c:2"],
                ["b:1", "c:2", "a:3306"],
                ["c:2", "a:3306", "b:1"]
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_redirect_is_kept_for_as_long_as_the_server_says_and_without_a_time_not_at_all() {
        let states = HostStates::new();
        let from = Endpoint::default();
        let redirect = |text| Redirect::parse(text).unwrap();
        states.redirects(&from, redirect("mariadb://b"));
        assert!(states.redirect(&from).is_none());
        states.redirects(&from, redirect("mariadb://b/?ttl=2000"));
        tokio::time::advance(Duration::from_millis(1999)).await;
        let kept = states.redirect(&from).unwrap();
        assert_eq!(kept.endpoint().to_string(), "b:3306");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(states.redirect(&from).is_none());
        states.redirects(&from, redirect("mariadb://b/?ttl=2000"));
        states.forget_redirect(&from);
        assert!(states.redirect(&from).is_none());
    }
}
