//! A public address without the internet: a proxy through which `https://origin.example.com` is this machine.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// The root that vouches for the address.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/tls/root.pem");

pub(crate) struct PublicAddress {
    /// For `HTTPS_PROXY`.
    pub(crate) proxy: String,
    asked_for: Arc<Mutex<Vec<String>>>,
}

impl PublicAddress {
    /// Answers everything with this status; with `None` the proxy lets nobody through. It ends with the tests.
    pub(crate) fn start(status: Option<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let asked_for = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked_for);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                log.lock().unwrap().push(first_line(&connection));
                match status {
                    // Whoever asked may have gone.
                    Some(status) => drop(answer(connection, status)),
                    None => drop(connection.write_all(b"HTTP/1.1 502 S\r\nContent-Length: 0\r\n\r\n")),
                }
            }
        });
        Self { proxy, asked_for }
    }

    /// The first lines of the requests to the proxy.
    pub(crate) fn asked_for(&self) -> Vec<String> {
        self.asked_for.lock().unwrap().clone()
    }
}

/// Reads a request without a body.
fn first_line(stream: impl Read) -> String {
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap).take_while(|line| !line.is_empty());
    let first = lines.next().unwrap();
    lines.for_each(drop);
    first
}

fn answer(mut connection: TcpStream, status: u16) -> std::io::Result<()> {
    connection.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    let mut tls = StreamOwned::new(ServerConnection::new(tls_settings()).unwrap(), connection);
    first_line(&mut tls);
    write!(tls, "HTTP/1.1 {status} S\r\nContent-Length: 10\r\n\r\nthe origin")?;
    tls.conn.send_close_notify();
    tls.flush()
}

fn tls_settings() -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../vectors/tls/origin.example.com.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../vectors/tls/origin.example.com.key")).unwrap();
    let settings = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    Arc::new(settings.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}
