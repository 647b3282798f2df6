//! Which machine is behind which port: what the switch has learnt from the frames it saw.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;

/// A frame, shared between the queues of all ports that it is flooded to.
pub(super) type Frame = Arc<[u8]>;

/// A connected machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PortId(pub u64);

type MacAddress = [u8; 6];

/// Destination and source address and the type field: no frame is shorter.
const HEADER_BYTES: usize = 14;

/// Set in the first byte of addresses that mean many machines.
const GROUP_BIT: u8 = 1;

/// The switch's state.
#[derive(Debug, Default)]
pub(super) struct Table {
    queues: HashMap<PortId, mpsc::Sender<Frame>>,
    behind: HashMap<MacAddress, PortId>,
}

impl Table {
    /// Adds a port whose frames go into `queue`.
    pub(super) fn attach(&mut self, port: PortId, queue: mpsc::Sender<Frame>) {
        self.queues.insert(port, queue);
    }

    /// Forgets a port and everything that was behind it.
    pub(super) fn detach(&mut self, port: PortId) {
        self.queues.remove(&port);
        self.behind.retain(|_, known| *known != port);
    }

    /// Forgets every port.
    pub(super) fn clear(&mut self) {
        self.queues.clear();
        self.behind.clear();
    }

    /// How many ports are attached.
    #[cfg(test)]
    pub(super) fn ports(&self) -> usize {
        self.queues.len()
    }

    /// Passes a frame on. A port whose queue is full misses it, as it would on a congested wire.
    pub(super) fn forward(&mut self, from: PortId, frame: Frame) {
        let Some((destination, source)) = addresses(&frame) else {
            return;
        };
        if source[0] & GROUP_BIT == 0 && self.queues.contains_key(&from) {
            self.behind.insert(source, from);
        }
        let known = if destination[0] & GROUP_BIT == 0 { self.behind.get(&destination) } else { None };
        match known {
            Some(port) if *port == from => {}
            Some(port) => {
                if let Some(queue) = self.queues.get(port) {
                    let _ = queue.try_send(frame);
                }
            }
            None => {
                for (_, queue) in self.queues.iter().filter(|(port, _)| **port != from) {
                    let _ = queue.try_send(Arc::clone(&frame));
                }
            }
        }
    }
}

fn addresses(frame: &[u8]) -> Option<(MacAddress, MacAddress)> {
    if frame.len() < HEADER_BYTES {
        return None;
    }
    Some((frame[..6].try_into().ok()?, frame[6..12].try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(destination: u8, source: u8) -> Frame {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[5] = destination;
        bytes[11] = source;
        bytes.into()
    }

    #[test]
    fn a_machine_that_moves_is_found_at_its_new_port() {
        let mut table = Table::default();
        let mut queues: Vec<_> = (0..3)
            .map(|number| {
                let (sender, receiver) = mpsc::channel(4);
                table.attach(PortId(number), sender);
                receiver
            })
            .collect();
        let delivered = |queues: &mut Vec<mpsc::Receiver<Frame>>| -> Vec<bool> {
            queues.iter_mut().map(|queue| queue.try_recv().is_ok()).collect()
        };

        table.forward(PortId(0), frame(9, 1));
        assert_eq!(delivered(&mut queues), [false, true, true]);
        table.forward(PortId(2), frame(1, 2));
        assert_eq!(delivered(&mut queues), [true, false, false]);
        // The machine was started again and is behind another port now.
        table.detach(PortId(0));
        table.forward(PortId(2), frame(1, 2));
        assert_eq!(delivered(&mut queues), [false, true, false]);
        table.forward(PortId(1), frame(2, 1));
        assert_eq!(delivered(&mut queues), [false, false, true]);
        table.forward(PortId(2), frame(1, 2));
        assert_eq!(delivered(&mut queues), [false, true, false]);
        // Too short to be a frame.
        table.forward(PortId(2), vec![0; HEADER_BYTES - 1].into());
        assert_eq!(delivered(&mut queues), [false, false, false]);
    }
}
