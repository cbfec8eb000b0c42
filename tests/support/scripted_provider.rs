//! A provider of few lines that answers as a script says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

/// A request as it came.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What it answers.
pub(crate) enum Reply {
    /// These bytes, then the end.
    Raw(Vec<u8>),
    /// The end.
    HangUp,
    /// Nothing for longer than anyone should wait.
    Slow,
    /// A good beginning, then one byte a second.
    Dripping,
}

pub(crate) fn json(status: u16, body: &Value) -> Reply {
    let body = body.to_string();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    Reply::Raw([head, body].concat().into_bytes())
}

pub(crate) struct Provider {
    issuer: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Provider {
    /// Answers by `script`, which gets the request and the issuer. It ends with the tests.
    pub(crate) fn start(script: impl Fn(&Asked, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, log, own) = (Arc::new(script), Arc::clone(&asked), issuer.clone());
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (script, log, issuer) = (Arc::clone(&script), Arc::clone(&log), own.clone());
                thread::spawn(move || {
                    let connection = connection.unwrap();
                    let request = read(&connection);
                    log.lock().unwrap().push(request.clone());
                    // Whoever asked may have gone.
                    let _ = write(connection, script(&request, &issuer));
                });
            }
        });
        Self { issuer, asked }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(connection: &TcpStream) -> Asked {
    let mut reader = BufReader::new(connection);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let mut first = lines.first().unwrap().split(' ');
    let mut next = || first.next().unwrap().to_owned();
    let (method, path) = (next(), next());
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let mut asked = Asked { method, path, headers, body: Vec::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).unwrap();
    asked
}

fn write(mut connection: TcpStream, reply: Reply) -> std::io::Result<()> {
    match reply {
        Reply::Raw(bytes) => connection.write_all(&bytes),
        Reply::HangUp => Ok(()),
        Reply::Slow => {
            thread::sleep(Duration::from_secs(30));
            Ok(())
        }
        Reply::Dripping => {
            connection.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 60\r\n\r\n")?;
            for _ in 0..30 {
                thread::sleep(Duration::from_secs(1));
                connection.write_all(b"{")?;
            }
            Ok(())
        }
    }
}
