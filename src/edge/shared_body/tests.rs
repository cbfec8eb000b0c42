use super::*;
use crate::ring_support::block_on;

/// A body that comes in these pieces; `Err` is a connection that breaks.
struct Pieces(VecDeque<Result<&'static [u8], ()>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        context.waker().wake_by_ref();
        let piece = self.0.pop_front();
        Poll::Ready(piece.map(|piece| match piece {
            Ok(bytes) => Ok(Frame::data(Bytes::from_static(bytes))),
            Err(()) => Err(Error::new("broken")),
        }))
    }
}

fn body(pieces: &[Result<&'static [u8], ()>]) -> SharedBody {
    SharedBody::new(Body::new(Pieces(pieces.iter().copied().collect())))
}

/// What the one gets that it goes to: the bytes, and whether they came to their end.
fn gone_on(body: SharedBody) -> (String, bool) {
    let mut body = Body::new(body);
    let mut bytes = Vec::new();
    loop {
        match block_on(poll_fn(|context| Pin::new(&mut body).poll_frame(context))) {
            Some(Ok(frame)) => bytes.extend(frame.into_data().unwrap()),
            Some(Err(_)) => return (String::from_utf8(bytes).unwrap(), false),
            None => return (String::from_utf8(bytes).unwrap(), true),
        }
    }
}

#[test]
fn what_was_read_goes_on_all_the_same() {
    let form = [Ok(&b"access_"[..]), Ok(b""), Ok(b"token=x")];
    for (pieces, limit, read, goes_on) in [
        (&form[..], 14, Ok(&b"access_token=x"[..]), ("access_token=x", true)),
        (&form, 13, Err(BodyError::TooLarge), ("access_token=x", true)),
        (&form, 3, Err(BodyError::TooLarge), ("access_token=x", true)),
        (&[], 0, Ok(b""), ("", true)),
        (&[Ok(b"a"), Err(())], 9, Err(BodyError::Unreadable), ("a", false)),
    ] {
        let body = body(pieces);
        for _ in 0..2 {
            assert_eq!(block_on(body.read(limit)).as_deref(), read.as_ref().copied(), "{pieces:?} {limit}");
        }
        let (text, whole) = gone_on(body);
        assert_eq!((text.as_str(), whole), goes_on, "{pieces:?} {limit}");
    }
}

#[test]
fn what_has_gone_on_is_not_read_any_more() {
    let body = body(&[Ok(b"a"), Ok(b"b")]);
    assert_eq!(gone_on(body.clone()), ("ab".to_owned(), true));
    assert_eq!(block_on(body.read(9)), Err(BodyError::Unreadable));
}

#[test]
fn a_body_that_is_none_says_so() {
    assert!(SharedBody::new(Body::empty()).is_end_stream());
    let read = SharedBody::new(Body::from("x"));
    assert!(!read.is_end_stream());
    block_on(read.read(9)).unwrap();
    assert!(!read.is_end_stream(), "it has still to go on");
    assert_eq!(gone_on(read.clone()).0, "x");
    assert!(read.is_end_stream());
}
