//! What newer kernels bring. The version explains what is missing; only a probe says that it is,
//! since distributions bring features to older kernels.

/// What came with which version, oldest first.
const LATER: [((u32, u32), &str); 7] = [
    ((5, 11), "5.11: overlays in user namespaces"),
    ((5, 13), "5.13: Landlock"),
    ((5, 19), "5.19: id-mapped mounts below an overlay, which root needs"),
    ((6, 2), "6.2: Landlock on truncation"),
    ((6, 3), "6.3: id-mapped mounts of tmpfs"),
    ((6, 8), "6.8: overlays of any number of layers"),
    ((6, 10), "6.10: Landlock on device commands"),
];

/// What a kernel of this version does not bring by itself.
pub(super) fn missing_from(version: (u32, u32)) -> Vec<&'static str> {
    LATER.iter().filter(|(since, _)| version < *since).map(|(_, what)| *what).collect()
}

#[cfg(test)]
mod tests {
    use super::missing_from;

    #[test]
    fn older_kernels_lack_more() {
        assert_eq!(missing_from((6, 18)), [""; 0]);
        assert_eq!(missing_from((6, 8)), ["6.10: Landlock on device commands"]);
        assert_eq!(missing_from((5, 15)).len(), 5);
        assert_eq!(missing_from((4, 18)).len(), 7);
    }
}
