//! A server on $PORT around `function::handle`.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

const THREADS: usize = 16;

fn main() {
    let port = std::env::var("PORT").expect("PORT is not set");
    let server = tiny_http::Server::http(format!("127.0.0.1:{port}")).expect("the port cannot be listened on");
    let server = Arc::new(server);
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let server = Arc::clone(&server);
            std::thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    answer(request);
                }
            })
        })
        .collect();
    for thread in threads {
        let _ = thread.join();
    }
}

fn answer(mut call: tiny_http::Request) {
    let response = match request_from(&mut call) {
        Ok(request) => catch_unwind(AssertUnwindSafe(|| function::handle(request))).ok(),
        Err(problem) => Some(http::Response::builder().status(400).body(problem.into_bytes()).unwrap()),
    };
    let response = response.unwrap_or_else(|| http::Response::builder().status(500).body(Vec::new()).unwrap());
    let (head, body) = response.into_parts();
    let mut reply = tiny_http::Response::from_data(body).with_status_code(head.status.as_u16());
    for (name, value) in &head.headers {
        if let Ok(header) = tiny_http::Header::from_bytes(name.as_str(), value.as_bytes()) {
            reply.add_header(header);
        }
    }
    if let Err(error) = call.respond(reply) {
        eprintln!("the answer could not be sent: {error}");
    }
}

fn request_from(call: &mut tiny_http::Request) -> Result<http::Request<Vec<u8>>, String> {
    let mut body = Vec::new();
    call.as_reader().read_to_end(&mut body).map_err(|error| error.to_string())?;
    let mut builder = http::Request::builder().method(call.method().as_str()).uri(call.url());
    for header in call.headers() {
        builder = builder.header(header.field.as_str().as_str(), header.value.as_bytes());
    }
    builder.body(body).map_err(|error| error.to_string())
}
