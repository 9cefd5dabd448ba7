use http::{Request, Response};

/// Answers one call; several may run at once.
pub fn handle(request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let body = String::from_utf8_lossy(request.body());
    let name = match body.trim() {
        "" => "world",
        name => name,
    };
    Response::builder()
        .header("content-type", "text/plain")
        .body(format!("hello {name}\n").into_bytes())
        .expect("the answer is well-formed")
}

#[cfg(test)]
mod tests {
    use super::handle;
    use http::Request;

    #[test]
    fn greets_who_calls() {
        let response = handle(Request::new(b"you".to_vec()));
        assert_eq!(response.status(), 200);
        assert_eq!(response.body(), b"hello you\n");
    }
}
