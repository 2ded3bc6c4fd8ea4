/* _start is the runtime's, and calls _start_c. */
