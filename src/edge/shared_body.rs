//! A body in the types of the crate `http`: it is read where we have to, and goes on to the code as it came.

use core::{
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use std::{collections::VecDeque, rc::Rc};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
};
use http_body::Frame;
use worker::send::SendWrapper;

use crate::web::request::BodyError;

/// A body that several hold; what one of them has read of it, the one that it goes to gets all the same.
#[derive(Clone)]
pub(super) struct SharedBody(SendWrapper<Rc<RefCell<Held>>>);

type Piece = Result<Frame<Bytes>, Error>;

struct Held {
    /// Read on the way, and not yet gone on.
    seen: VecDeque<Piece>,
    rest: Option<Body>,
    /// Whether some of it has gone on: then it can't be read any more.
    gone: bool,
}

impl SharedBody {
    pub(super) fn new(body: Body) -> Self {
        let held = Held { seen: VecDeque::new(), rest: Some(body), gone: false };
        Self(SendWrapper::new(Rc::new(RefCell::new(held))))
    }

    /// The whole body, if it has no more bytes than that.
    pub(super) async fn read(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        while self.0.borrow().length()? <= limit {
            if !poll_fn(|context| self.0.borrow_mut().poll_more(context)).await {
                return self.0.borrow().bytes();
            }
        }
        Err(BodyError::TooLarge)
    }
}

impl Held {
    fn length(&self) -> Result<usize, BodyError> {
        if self.gone {
            return Err(BodyError::Unreadable);
        }
        Ok(self.seen.iter().flatten().filter_map(Frame::data_ref).map(Bytes::len).sum())
    }

    fn bytes(&self) -> Result<Vec<u8>, BodyError> {
        if self.seen.iter().any(Result::is_err) {
            return Err(BodyError::Unreadable);
        }
        Ok(self.seen.iter().flatten().filter_map(Frame::data_ref).flatten().copied().collect())
    }

    /// Reads a piece of the rest, if there is one.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let piece = ready!(self.poll_rest(context));
        let is_one = piece.is_some();
        self.seen.extend(piece);
        Poll::Ready(is_one)
    }

    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let piece = ready!(Pin::new(rest).poll_frame(context));
        // Nobody may be asked once more after the end, or after a fault.
        if !matches!(piece, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(piece)
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        let mut held = self.0.borrow_mut();
        held.gone = true;
        match held.seen.pop_front() {
            Some(piece) => Poll::Ready(Some(piece)),
            None => held.poll_rest(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        let held = self.0.borrow();
        held.seen.is_empty() && held.rest.as_ref().is_none_or(Body::is_end_stream)
    }
}

#[cfg(test)]
mod tests;
