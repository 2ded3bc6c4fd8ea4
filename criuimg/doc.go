// Package criuimg reads and writes the image files of a CRIU dump. It knows
// their containers and their memory pages and nothing of what anybody does
// with them.
//
// # Containers
//
// All numbers are little-endian. A dump directory holds four sorts of files
// (CRIU: criu/image-desc.c, criu/image.c, criu/include/magic.h):
//
//   - common images: u32 0x54564319, u32 magic of the kind, entries;
//   - service files (stats-dump, stats-restore, irmap-cache; their names have
//     no .img): u32 0x55105940, u32 magic of the kind, entries;
//   - inventory.img: u32 magic of the kind, entries. It says which container
//     the others have (img_version 2 is the above; version 1, which had no
//     common magic and which CRIU no longer restores, is refused);
//   - raw files with no framing at all: pages-N.img, and what ip, iptables,
//     nft, conntrack and tar have written.
//
// An entry is a u32 length and as many bytes of protobuf (criu/protobuf.c).
// Behind some entries follow bytes that are no protobuf, here called payload;
// only the entry tells how many:
//
//	pipes-data, fifo-data  pipe_data_entry.bytes                       criu/pipes.c
//	sk-queues              sk_packet_entry.length                      criu/sk-queue.c
//	tcp-stream-X           inq_len, then outq_len                      criu/sk-tcp.c
//	bpfmap-data            keys_bytes, then values_bytes               criu/bpfmap.c
//	ipcns-sem-N            nsems u16, padded to a multiple of 8        criu/ipc_ns.c
//	ipcns-shm-N            size padded to a multiple of 4, unless in_pagemaps: none
//	ipcns-msg-N            after an ipc_msg_entry come qnum entries ipc_msg,
//	                       each with msize padded to a multiple of 8
//	ghost-file-X           with chunks: ghost_chunk_entry follow, each with len;
//	                       without: the rest of the file             criu/files-reg.c
//
// The data of a tty lies in its entry (tty-data), the data of a memfd in a
// pagemap-shmem image; neither has payload. A pagemap's first entry is a
// pagemap_head, the others are pagemap_entry.
//
// What is not changed is written back byte for byte: untouched entries keep
// their encoding, changed ones their unknown fields, images of unknown kinds
// are never looked into.
//
// # Memory
//
// A dump is hostile input. [Read] keeps the entries of an image, at most
// [MaxImage] bytes with their bookkeeping and [MaxMessages] messages; payload
// and raw files are never loaded but referred to. [Reader] keeps nothing but
// the entry at hand, at most [MaxEntry] bytes. Decoded, an entry takes at most
// about 8 times its bytes, and 256 bytes for each message in it. A [PageStore]
// keeps 32 bytes for each extent of the pagemaps it has opened, at most
// [MaxExtents] per pagemap, which is 256 MiB; about twice as much while it
// reads one.
package criuimg
