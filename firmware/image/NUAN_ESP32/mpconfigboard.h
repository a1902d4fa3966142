#define MICROPY_HW_BOARD_NAME "nuan node"
#define MICROPY_HW_MCU_NAME "ESP32"

// The application runs in place from the partition "romfs".
#define MICROPY_VFS_ROM (1)
// A node has no use for these, and two images have to fit 4 MB.
#define MICROPY_PY_BLUETOOTH (0)
#define MICROPY_ESPNOW (0)
#define MICROPY_PY_BTREE (0)
#define MICROPY_PY_WEBREPL (0)
#define MICROPY_PY_MACHINE_I2S (0)
#define MICROPY_HW_ENABLE_SDCARD (0)
