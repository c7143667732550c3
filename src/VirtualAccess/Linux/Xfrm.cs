namespace Headend.VirtualAccess.Linux;

/// <summary>Constants of linux/xfrm.h as far as used.</summary>
internal static class Xfrm
{
    public const int NETLINK_XFRM = 6;
    public const ushort XFRM_MSG_NEWSA = 0x10;
    public const ushort XFRM_MSG_DELSA = 0x11;
    public const ushort XFRM_MSG_GETSA = 0x12;
    public const ushort XFRM_MSG_NEWPOLICY = 0x13;
    public const ushort XFRM_MSG_DELPOLICY = 0x14;
    public const ushort XFRM_MSG_GETPOLICY = 0x15;
    public const ushort XFRM_MSG_EXPIRE = 0x18;
    public const ushort XFRM_MSG_UPDPOLICY = 0x19;
    public const ushort XFRM_MSG_MAPPING = 0x26;
    public const uint XFRMNLGRP_EXPIRE = 2;
    public const uint XFRMNLGRP_MAPPING = 8;
    public const ushort XFRMA_ALG_AUTH = 1;
    public const ushort XFRMA_ALG_CRYPT = 2;
    public const ushort XFRMA_ENCAP = 4;
    public const ushort XFRMA_TMPL = 5;
    public const ushort XFRMA_LTIME_VAL = 9;
    public const ushort XFRMA_REPLAY_VAL = 10;
    public const ushort XFRMA_ALG_AEAD = 18;
    public const ushort XFRMA_ALG_AUTH_TRUNC = 20;
    public const ushort XFRMA_REPLAY_ESN_VAL = 23;
    public const ushort XFRMA_SA_EXTRA_FLAGS = 24;
    public const ushort XFRMA_IF_ID = 31;
    public const ushort XFRMA_MTIMER_THRESH = 32;
    public const byte XFRM_MODE_TRANSPORT = 0;
    public const byte XFRM_MODE_TUNNEL = 1;
    public const byte XFRM_STATE_NOPMTUDISC = 4;
    public const byte XFRM_STATE_AF_UNSPEC = 32;
    public const byte XFRM_STATE_ESN = 128;
    public const ushort UDP_ENCAP_ESPINUDP = 2;
    public const byte IPPROTO_ESP = 50;
    public const ulong XFRM_INF = ulong.MaxValue;
}
