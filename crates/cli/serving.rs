//! The options of `serve` and `up`: addresses, limits and access.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;
use lake_analytics::AnswerLimits;
use lake_model::{Result, Secret};
use lake_serve::{
    Access, AccessOptions, BaseMap, FlightListener, HostName, Identity, Limits, PageOrigin, Proxy, Server,
};

use crate::output;

const ACCESS: &str = "Access";
const LIMITS: &str = "Limits (as in GET /limits)";

/// Requests a second of one client where other machines can ask.
const PER_SECOND_BEYOND_LOOPBACK: u32 = 100;
/// Requests of one client at a time where other machines can ask.
const AT_A_TIME_BEYOND_LOOPBACK: usize = 32;

/// The counts of some 30 million incidents.
const DEFAULT_CACHE_MIB: u64 = 512;

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Serving {
    /// Serve HTTP on this address: an IP address or host name of this machine, and a port
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR", value_parser = address)]
    http: SocketAddr,
    /// Also serve Arrow Flight SQL; without an address on 127.0.0.1:50051
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:50051", value_parser = address)]
    flight: Option<SocketAddr>,
    /// Serve HTTP and Flight SQL over TLS only, with this certificate and its chain: a PEM file
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Read the private key of the certificate from this PEM file
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Require a token of this file: lines of name, scope and hash, as `hotspots-lake token new` prints them; read again when
    /// it changes
    #[arg(long, env = "HOTSPOTS_TOKEN_FILE", value_name = "FILE", help_heading = ACCESS)]
    token_file: Option<PathBuf>,
    /// Require this token for reading; prefer the variable, as other users of the machine can see the command line
    #[arg(long, env = "HOTSPOTS_TOKEN", hide_env_values = true, value_name = "TOKEN", help_heading = ACCESS)]
    token: Option<Secret>,
    /// Require this token for everything
    #[arg(long, env = "HOTSPOTS_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN", help_heading = ACCESS)]
    admin_token: Option<Secret>,
    /// Trust X-Forwarded-For of this proxy or network; may be repeated
    #[arg(long, value_name = "ADDR", help_heading = ACCESS)]
    trusted_proxy: Vec<Proxy>,
    /// Accept requests to this host name, in addition to those of this machine; may be repeated. On loopback without a token,
    /// other names are rejected
    #[arg(long, value_name = "NAME", help_heading = ACCESS)]
    allowed_host: Vec<HostName>,
    /// Accept requests of pages of this origin, such as `https://map.example`, or * for all; may be repeated. On loopback
    /// without a token, other origins are rejected
    #[arg(long, value_name = "ORIGIN", help_heading = ACCESS)]
    allowed_origin: Vec<PageOrigin>,
    /// Draw these tiles under the cells of the map: a URL with {z}, {x} and {y}; without it the page loads nothing from other
    /// hosts
    #[arg(long, value_name = "URL")]
    base_map: Option<BaseMap>,
    /// Keep up to this much of the counts decoded in memory, for fast answers; 0: none
    #[arg(long, value_name = "MIB", default_value_t = DEFAULT_CACHE_MIB)]
    pub(crate) cache_mib: u64,
    /// Log every request
    #[arg(long)]
    pub(crate) access_log: bool,
    /// Limit the requests per second of one client; 0: no limit [default: 0 on loopback, else 100]
    #[arg(long, value_name = "N", help_heading = LIMITS)]
    requests_per_second: Option<u32>,
    /// Limit the concurrent requests of one client; 0: no limit [default: 0 on loopback, else 32]
    #[arg(long, value_name = "N", help_heading = LIMITS)]
    concurrent_requests: Option<usize>,
    /// Limit the requests that use the query engine at a time; others wait
    #[arg(long, value_name = "N", default_value_t = Limits::default().engine_requests, help_heading = LIMITS)]
    engine_requests: usize,
    /// Limit how long a request waits for the engine
    #[arg(long, value_name = "MS", default_value_t = millis(Limits::default().queue), help_heading = LIMITS)]
    queue_ms: u64,
    /// Limit how long a request takes until its answer has been sent
    #[arg(long, value_name = "MS", default_value_t = millis(Limits::default().timeout), help_heading = LIMITS)]
    timeout_ms: u64,
    /// Limit the memory of the engine for one request; beyond it the request spills, then fails
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().memory_bytes >> 20, help_heading = LIMITS)]
    request_memory_mib: usize,
    /// Limit what one request writes to disk when it spills
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().spill_bytes >> 20, help_heading = LIMITS)]
    request_spill_mib: u64,
    /// Return this many rows if a request has no limit
    #[arg(long, value_name = "N", default_value_t = Limits::default().answers.default_rows, help_heading = LIMITS)]
    default_rows: usize,
    /// Limit the rows of an answer
    #[arg(long, value_name = "N", default_value_t = Limits::default().answers.max_rows, help_heading = LIMITS)]
    max_rows: usize,
    /// Limit the body of a request
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_body_bytes, help_heading = LIMITS)]
    max_body_bytes: usize,
    /// Limit the positions of a polygon
    #[arg(long, value_name = "N", default_value_t = Limits::default().answers.max_corners, help_heading = LIMITS)]
    max_corners: usize,
    /// Limit the cells that a request names
    #[arg(long, value_name = "N", default_value_t = Limits::default().answers.max_cells, help_heading = LIMITS)]
    max_cells: usize,
    /// Limit the cells of a tile
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_tile_cells, help_heading = LIMITS)]
    max_tile_cells: usize,
    /// Limit the cells of a study area of hot spots
    #[arg(long, value_name = "N", default_value_t = Limits::default().answers.max_hotspot_cells, help_heading = LIMITS)]
    max_hotspot_cells: usize,
    /// Limit how long requests continue after the server is stopped
    #[arg(long, value_name = "S", default_value_t = Limits::default().drain.as_secs(), help_heading = LIMITS)]
    drain_seconds: u64,
}

/// Parses an address to listen on. A name is resolved, and an IPv4 address preferred to an IPv6 one: if both exist,
/// every client supports the former.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let found: Vec<SocketAddr> = text.to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    let found = found.iter().find(|address| address.is_ipv4()).or(found.first());
    found.copied().ok_or_else(|| {
        "expected an address of this machine and a port, such as 127.0.0.1:8080, [::1]:8080, localhost:8080, or \
         0.0.0.0:8080 for all of its addresses"
            .to_owned()
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The bound listeners.
pub(crate) struct Listening {
    pub(crate) server: Server,
    pub(crate) access: Access,
    pub(crate) limits: Limits,
}

impl Serving {
    /// Binds the addresses, reports them, and warns if access is open to other machines.
    pub(crate) async fn listen(&self) -> Result<Listening> {
        let identity = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(Identity::read(certificate, key)?),
            _ => None,
        };
        let addresses = [("--http", Some(self.http)), ("--flight", self.flight)];
        let addresses = addresses.into_iter().filter_map(|(option, address)| Some((option, address?.ip())));
        let limits = self.limits(addresses.clone().all(|(_, address)| address.is_loopback()));
        let access = self.access(&limits)?;
        for (option, address) in addresses {
            warn_if_open(option, address, &access);
        }
        let flight = match self.flight {
            Some(address) => Some(FlightListener::bind(address, identity.as_ref()).await?),
            None => None,
        };
        let server = Server::bind(self.http, identity.as_ref()).await?;
        if let Some(flight) = &flight {
            output::note(&format!("flight listening on {}", flight.url()));
        }
        output::note(&format!("listening on {}", server.url()));
        Ok(Listening { server: server.with_flight(flight).with_base_map(self.base_map.clone()), access, limits })
    }

    /// Returns the limits of a server that only this machine can reach, or others as well.
    fn limits(&self, is_loopback: bool) -> Limits {
        let (per_second, at_a_time) = match is_loopback {
            true => (0, 0),
            false => (PER_SECOND_BEYOND_LOOPBACK, AT_A_TIME_BEYOND_LOOPBACK),
        };
        Limits {
            answers: AnswerLimits {
                default_rows: self.default_rows.min(self.max_rows),
                max_rows: self.max_rows,
                max_corners: self.max_corners,
                max_cells: self.max_cells,
                max_hotspot_cells: self.max_hotspot_cells,
            },
            max_body_bytes: self.max_body_bytes,
            max_tile_cells: self.max_tile_cells,
            timeout: Duration::from_millis(self.timeout_ms),
            memory_bytes: self.request_memory_mib << 20,
            spill_bytes: self.request_spill_mib << 20,
            requests_per_second: self.requests_per_second.unwrap_or(per_second),
            concurrent_requests: self.concurrent_requests.unwrap_or(at_a_time),
            engine_requests: self.engine_requests.max(1),
            queue: Duration::from_millis(self.queue_ms),
            drain: Duration::from_secs(self.drain_seconds),
        }
    }

    /// Returns the access rules.
    fn access(&self, limits: &Limits) -> Result<Access> {
        let options = AccessOptions {
            token_file: self.token_file.clone(),
            read_token: self.token.clone(),
            admin_token: self.admin_token.clone(),
            trusted_proxies: self.trusted_proxy.clone(),
            is_loopback: self.http.ip().is_loopback(),
            allowed_hosts: self.allowed_host.clone(),
            allowed_origins: self.allowed_origin.clone(),
        };
        Access::new(options, limits)
    }
}

/// Warns if other machines can send requests without a token. `option` is the one that sets the address.
fn warn_if_open(option: &str, address: IpAddr, access: &Access) {
    if !address.is_loopback() && !access.needs_token() {
        output::note(&format!(
            "warning: {option} {address} lets every client that reaches this address read the complete lake. Give \
             --token-file FILE (`hotspots-lake token new` makes a token), or serve on 127.0.0.1"
        ));
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Args;

    #[test]
    fn every_limit_that_is_told_has_an_option_of_its_name() {
        let command = Args::command();
        for name in ["serve", "up"] {
            let command = command.find_subcommand(name).expect(name);
            for limit in Limits::default().list() {
                let option = limit.name.replace('_', "-");
                let found = command.get_arguments().any(|argument| argument.get_long() == Some(&option));
                assert!(found, "{name} has no --{option}");
            }
        }
    }
}
